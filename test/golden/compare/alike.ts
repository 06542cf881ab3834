/** Makes a recording and a replay of it alike: what belongs to one run only is replaced by a name. */

export type Json = Readonly<Record<string, unknown>>

export const isRecord = (value: unknown): value is Json =>
  typeof value === "object" && value !== null && !Array.isArray(value)

/** The value at a path of fields, or undefined. */
export const at = (value: unknown, ...path: ReadonlyArray<string>): unknown =>
  path.reduce<unknown>((found, key) => isRecord(found) ? found[key] : undefined, value)

export const listAt = (value: unknown, ...path: ReadonlyArray<string>): ReadonlyArray<unknown> => {
  const found = at(value, ...path)
  return Array.isArray(found) ? found : []
}

const patterns: ReadonlyArray<readonly [RegExp, string]> = [
  [/\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?(?:Z|[+-]\d\d:\d\d)/g, "<time>"],
  [/(containers\/[a-z0-9-]+\/)[0-9a-f]{8}\b/g, "$1<log>"],
  [/sha256:[0-9a-f]{64}/g, "<image-id>"],
  [/\b[0-9a-f]{64}\b/g, "<id>"],
  // Times of files, and the folders of projected volumes that are named after one.
  [/\b[A-Z][a-z]{2} +\d{1,2} \d\d:\d\d\b/g, "<when>"],
  [/\.\.\d{4}_\d\d_\d\d_\d\d_\d\d_\d\d\.\d+/g, "..<when>"]
]

export type Replacement = readonly [from: string, to: string]

/** Replaces texts first, in the order given, then everything that looks like an id or a time. */
export const alikeText = (text: string, replacements: ReadonlyArray<Replacement>): string =>
  patterns.reduce(
    (done, [pattern, name]) => done.replace(pattern, name),
    replacements.reduce((done, [from, to]) => from === "" ? done : done.replaceAll(from, to), text)
  )

/** Every text in a value, and numbers as texts: the JSON of a proto has large ones so, ours and theirs. */
export const alike = (value: unknown, replacements: ReadonlyArray<Replacement>): unknown => {
  if (typeof value === "string") return alikeText(value, replacements)
  if (typeof value === "number") return String(value)
  if (Array.isArray(value)) return value.map((item) => alike(item, replacements))
  if (!isRecord(value)) return value
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, alike(item, replacements)]))
}

/** The address that a pod got, which no two runs share. */
export const podAddress = (statuses: ReadonlyArray<unknown>): ReadonlyArray<Replacement> => {
  const known = statuses.map((status) => at(status, "podIP")).filter((ip) => typeof ip === "string")
  const last = known.at(-1)
  return last === undefined || last === "<host-ip>" ? [] : [[last, "<pod-ip>"]]
}
