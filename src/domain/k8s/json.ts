/**
 * JSON values as the server handles them: read without trust, compared by value, changed along a path without copying
 * what stays the same. Nothing here mutates its arguments.
 */

export type JsonObject = Readonly<Record<string, unknown>>

const nothing: JsonObject = {}
const none: ReadonlyArray<unknown> = []

export const isObject = (value: unknown): value is JsonObject =>
  typeof value === "object" && value !== null && !Array.isArray(value)

export const objectOf = (value: unknown): JsonObject => isObject(value) ? value : nothing
export const listOf = (value: unknown): ReadonlyArray<unknown> => Array.isArray(value) ? value : none
export const objectsOf = (value: unknown): ReadonlyArray<JsonObject> => listOf(value).map(objectOf)
export const textOf = (value: unknown): string => typeof value === "string" ? value : ""
export const numberOf = (value: unknown, absent = 0): number => typeof value === "number" ? value : absent
export const textsOf = (value: unknown): ReadonlyArray<string> => listOf(value).map(textOf)

/** The value of an own key: labels such as `constructor` are ordinary names here. */
export const own = (object: JsonObject, key: string): unknown => Object.hasOwn(object, key) ? object[key] : undefined

/** The value at a path of object keys, undefined where it breaks off. */
export const at = (value: unknown, ...path: ReadonlyArray<string>): unknown => {
  let current = value
  for (const key of path) {
    if (!isObject(current)) return undefined
    current = own(current, key)
  }
  return current
}

/** The object with one key changed, or without it for undefined; the very same object when nothing changes. */
export const put = (object: JsonObject, key: string, value: unknown): JsonObject => {
  if (own(object, key) === value) return object
  // A computed key, unlike an assignment, also stores a key named __proto__.
  if (value !== undefined) return { ...object, [key]: value }
  const { [key]: _, ...rest } = object
  return rest
}

/** `put` along a path; objects on the way are made where missing. */
export const putAt = (object: JsonObject, path: ReadonlyArray<string>, value: unknown): JsonObject => {
  const [key, ...rest] = path
  if (key === undefined) return object
  if (rest.length === 0) return put(object, key, value)
  const child = own(object, key)
  if (value === undefined && !isObject(child)) return object
  return put(object, key, putAt(objectOf(child), rest, value))
}

/** The object with those keys set that it does not have. */
export const withDefaults = (object: JsonObject, defaults: JsonObject): JsonObject => {
  let missing: Record<string, unknown> | undefined
  for (const key of Object.keys(defaults)) {
    if (own(object, key) === undefined && defaults[key] !== undefined) (missing ??= {})[key] = defaults[key]
  }
  return missing === undefined ? object : { ...object, ...missing }
}

/**
 * The object without some keys. `delete` on a copy would turn it into a hash table of eight times the size, and what is
 * read from the API is kept for long.
 */
export const omit = (object: JsonObject, keys: ReadonlySet<string>): Record<string, unknown> =>
  Object.fromEntries(Object.entries(object).filter(([key]) => !keys.has(key)))

/** Several changes at once, undefined removing a key; the very same object when nothing changes. */
export const putAll = (object: JsonObject, changes: ReadonlyMap<string, unknown>): JsonObject => {
  let copy: Record<string, unknown> | undefined
  const removed = new Set<string>()
  for (const [key, value] of changes) {
    if (own(object, key) === value) continue
    copy ??= { ...object }
    if (value === undefined) removed.add(key)
    // An assignment would not store a key named __proto__.
    else if (key === "__proto__") copy = { ...copy, [key]: value }
    else copy[key] = value
  }
  if (copy === undefined) return object
  return removed.size === 0 ? copy : omit(copy, removed)
}

/** Maps the elements of a list, keeping the very same list when none changes. */
export const mapList = (
  list: ReadonlyArray<unknown>,
  change: (element: JsonObject, index: number) => JsonObject
): ReadonlyArray<unknown> => {
  let changed = false
  const result = list.map((element, index) => {
    if (!isObject(element)) return element
    const next = change(element, index)
    if (next !== element) changed = true
    return next
  })
  return changed ? result : list
}

/** Changes the list under a key, when there is one. */
export const putList = (
  object: JsonObject,
  key: string,
  change: (element: JsonObject, index: number) => JsonObject
): JsonObject => {
  const list = own(object, key)
  return Array.isArray(list) ? put(object, key, mapList(list, change)) : object
}

/** Changes the object under a key, when there is one. */
export const putObject = (object: JsonObject, key: string, change: (value: JsonObject) => JsonObject): JsonObject => {
  const value = own(object, key)
  return isObject(value) ? put(object, key, change(value)) : object
}

/** Equality by value; the order of keys does not matter. */
export const equal = (a: unknown, b: unknown): boolean => {
  if (a === b) return true
  if (Array.isArray(a)) {
    return Array.isArray(b) && a.length === b.length && a.every((element, index) => equal(element, b[index]))
  }
  if (!isObject(a) || !isObject(b)) return false
  const keys = Object.keys(a)
  if (keys.length !== Object.keys(b).length) return false
  for (const key of keys) {
    if (!Object.hasOwn(b, key) || !equal(a[key], b[key])) return false
  }
  return true
}
