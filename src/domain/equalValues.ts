/** Deep equality of plain JSON data. A field that is undefined equals one that is absent. */

type Fields = Readonly<Record<string, unknown>>

const isFields = (value: unknown): value is Fields =>
  typeof value === "object" && value !== null && !Array.isArray(value)

/** Everything that `a` says, `b` says too. */
const says = (b: Fields, a: Fields): boolean => {
  for (const key of Object.keys(a)) {
    if (!equalValues(a[key], Object.hasOwn(b, key) ? b[key] : undefined)) return false
  }
  return true
}

const saysNoMore = (b: Fields, a: Fields): boolean => {
  for (const key of Object.keys(b)) {
    if (b[key] !== undefined && !Object.hasOwn(a, key)) return false
  }
  return true
}

export const equalValues = (a: unknown, b: unknown): boolean => {
  if (Object.is(a, b)) return true
  if (Array.isArray(a) && Array.isArray(b)) {
    return a.length === b.length && a.every((item, index) => equalValues(item, b[index]))
  }
  return isFields(a) && isFields(b) && says(b, a) && saysNoMore(b, a)
}
