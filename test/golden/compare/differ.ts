/** Names what differs between two values, or two sequences, a line a difference: theirs first, then ours. */
import { isRecord } from "./alike.ts"

const shown = (value: unknown): string => value === undefined ? "nothing" : JSON.stringify(value)

/** Lists whose items have a name are compared by it, so that one more item does not shift all others. */
const keyed = (list: ReadonlyArray<unknown>): ReadonlyMap<string, unknown> | undefined => {
  const keys = list.map((item) =>
    isRecord(item) ? item["name"] ?? item["type"] ?? item["key"] ?? item["container_path"] ?? item["page_size"] : item
  )
  if (!keys.every((key) => typeof key === "string") || new Set(keys).size < keys.length) return undefined
  return new Map(keys.map((key, index) => [key, list[index]]))
}

const fieldsOf = (value: unknown): ReadonlyMap<string, unknown> | undefined => {
  if (Array.isArray(value)) return keyed(value) ?? new Map(value.map((item, index) => [`${index}`, item]))
  return isRecord(value) ? new Map(Object.entries(value)) : undefined
}

/** Field by field, down to where they differ. */
export const differ = (path: string, theirs: unknown, ours: unknown): ReadonlyArray<string> => {
  const [a, b] = [fieldsOf(theirs), fieldsOf(ours)]
  if (a === undefined || b === undefined) {
    return shown(theirs) === shown(ours) ? [] : [`${path}: ${shown(theirs)} → ${shown(ours)}`]
  }
  const keys = [...new Set([...a.keys(), ...b.keys()])].sort()
  return keys.flatMap((key) => differ(path === "" ? key : `${path}.${key}`, a.get(key), b.get(key)))
}

export interface Aligned<A> {
  readonly theirs: A | undefined
  readonly ours: A | undefined
}

/** Pairs what is the same in both sequences, in order (longest common subsequence); the rest stands alone. */
export const align = <A>(
  theirs: ReadonlyArray<A>,
  ours: ReadonlyArray<A>,
  keyOf: (item: A) => string
): ReadonlyArray<Aligned<A>> => {
  const [a, b] = [theirs.map(keyOf), ours.map(keyOf)]
  const lengths = Array.from({ length: a.length + 1 }, () => new Array<number>(b.length + 1).fill(0))
  const length = (i: number, j: number) => lengths[i]?.[j] ?? 0
  for (let i = a.length - 1; i >= 0; i--) {
    const row = lengths[i] ?? []
    for (let j = b.length - 1; j >= 0; j--) {
      row[j] = a[i] === b[j] ? length(i + 1, j + 1) + 1 : Math.max(length(i + 1, j), length(i, j + 1))
    }
  }
  const pairs: Array<Aligned<A>> = []
  let [i, j] = [0, 0]
  while (i < a.length || j < b.length) {
    if (i < a.length && j < b.length && a[i] === b[j]) pairs.push({ theirs: theirs[i++], ours: ours[j++] })
    else if (i < a.length && (j === b.length || length(i + 1, j) >= length(i, j + 1))) {
      pairs.push({ theirs: theirs[i++], ours: undefined })
    } else pairs.push({ theirs: undefined, ours: ours[j++] })
  }
  return pairs
}

/** What only one of two bags has. */
export const differInSet = (
  what: string,
  theirs: ReadonlyArray<string>,
  ours: ReadonlyArray<string>
): ReadonlyArray<string> => [
  ...theirs.filter((item) => !ours.includes(item)).map((item) => `${what} missing: ${item}`),
  ...ours.filter((item) => !theirs.includes(item)).map((item) => `${what} extra: ${item}`)
]
