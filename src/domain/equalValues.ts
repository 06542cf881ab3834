/** Deep equality of plain JSON data. A field that is undefined equals one that is absent. */

type Fields = Readonly<Record<string, unknown>>

const isFields = (value: unknown): value is Fields =>
  typeof value === "object" && value !== null && !Array.isArray(value)

const countDefined = (value: Fields): number => Object.values(value).filter((field) => field !== undefined).length

export const equalValues = (a: unknown, b: unknown): boolean => {
  if (Object.is(a, b)) return true
  if (Array.isArray(a) && Array.isArray(b)) {
    return a.length === b.length && a.every((item, index) => equalValues(item, b[index]))
  }
  if (!isFields(a) || !isFields(b)) return false
  return countDefined(a) === countDefined(b) &&
    Object.entries(a).every(([key, value]) =>
      value === undefined || (Object.hasOwn(b, key) && equalValues(value, b[key]))
    )
}
