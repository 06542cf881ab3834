/** Reads `resolv.conf(5)`: the last search line counts, options gather. */

export interface ResolvConf {
  readonly servers: ReadonlyArray<string>
  readonly searches: ReadonlyArray<string>
  readonly options: ReadonlyArray<string>
}

/** A search with and without its final dot is one and the same; the root alone keeps it. */
const search = (name: string): string => name === "." ? name : name.replace(/\.$/, "")

export const parseResolvConf = (text: string): ResolvConf => {
  const servers: Array<string> = []
  let searches: ReadonlyArray<string> = []
  const options = new Map<string, string>()
  for (const line of text.split("\n")) {
    const [keyword, ...values] = line.replace(/[#;].*$/, "").trim().split(/\s+/)
    if (keyword === "nameserver" && values[0] !== undefined) servers.push(values[0])
    if (keyword === "search") searches = values.map(search)
    if (keyword === "options") { for (const option of values) options.set(option.split(":")[0] ?? option, option) }
  }
  return { servers, searches, options: [...options.values()] }
}
