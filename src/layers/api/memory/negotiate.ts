/** The forms in which an answer may be had, by the `Accept` header: plain, as a table, as metadata only, and for discovery. */

export type Form = "plain" | "table" | "metadata" | "discovery"

interface Range {
  readonly type: string
  readonly parameters: ReadonlyMap<string, string>
}

const rangesOf = (accept: string): ReadonlyArray<Range> =>
  accept.split(",").map((part) => {
    const [type = "", ...parameters] = part.split(";").map((piece) => piece.trim())
    const pairs = parameters.map((parameter): [string, string] => {
      const [key = "", value = ""] = parameter.split("=")
      return [key, value]
    })
    return { type: type.toLowerCase(), parameters: new Map(pairs) }
  }).filter(({ type }) => type !== "")

const forms: ReadonlyMap<string, Form> = new Map([
  ["Table", "table"],
  ["PartialObjectMetadata", "metadata"],
  ["PartialObjectMetadataList", "metadata"],
  ["APIGroupDiscoveryList", "discovery"]
])

const versions: ReadonlySet<string> = new Set(["v1", "v2"])

const json: ReadonlySet<string> = new Set(["application/json", "application/*", "*/*"])

export const acceptable = ["application/json"]

/** The first of the client's wishes that the server can grant; undefined when there is none. */
export const negotiate = (accept: string): Form | undefined => {
  const ranges = rangesOf(accept)
  if (ranges.length === 0) return "plain"
  for (const { parameters, type } of ranges) {
    if (!json.has(type)) continue
    const as = parameters.get("as")
    if (as === undefined) return "plain"
    const form = forms.get(as)
    if (form !== undefined && versions.has(parameters.get("v") ?? "")) return form
  }
  return undefined
}
