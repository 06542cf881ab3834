/** Merging the lists of a strategic merge patch: by a key of their elements, or by value. */
import { Result } from "effect"
import { equal, isObject, type JsonObject, listOf, own } from "../../../domain/k8s/json.ts"
import { type Patched, plain } from "./patchDirectives.ts"
import { badRequest } from "./refusal.ts"

export interface ListMerge {
  readonly original: ReadonlyArray<unknown>
  readonly patch: ReadonlyArray<unknown>
  /** Empty for lists of plain values. */
  readonly mergeKey: string
  /** `$setElementOrder`: keys or values in the order they shall have. */
  readonly order: unknown
  /** `$deleteFromPrimitiveList` */
  readonly remove: unknown
  readonly merge: (before: JsonObject, change: JsonObject) => Patched<JsonObject>
}

const noKey = (element: unknown, mergeKey: string) =>
  badRequest(`map: ${JSON.stringify(element)} does not contain declared merge key: ${mergeKey}`)

const byKey = ({ original, patch, mergeKey, merge }: ListMerge): Patched<ReadonlyArray<unknown>> => {
  // An element that says so has the list replaced by those without a directive.
  const replaces = patch.some((element) => isObject(element) && own(element, "$patch") === "replace")
  if (replaces) return Result.succeed(listOf(plain(patch)))
  const result = [...original]
  for (const element of patch) {
    if (!isObject(element)) return Result.fail(noKey(element, mergeKey))
    const directive = own(element, "$patch")
    const id = own(element, mergeKey)
    if (id === undefined) return Result.fail(noKey(element, mergeKey))
    const index = result.findIndex((candidate) => isObject(candidate) && equal(own(candidate, mergeKey), id))
    if (directive === "delete") {
      if (index >= 0) result.splice(index, 1)
      continue
    }
    const before = result[index]
    if (!isObject(before)) {
      result.push(plain(element))
      continue
    }
    const merged = merge(before, element)
    if (Result.isFailure(merged)) return Result.fail(merged.failure)
    if (!equal(before, merged.success)) result[index] = merged.success
  }
  return Result.succeed(result)
}

const byValue = ({ original, patch, remove }: ListMerge): ReadonlyArray<unknown> => {
  const gone = listOf(remove)
  const kept = original.filter((value) => !gone.includes(value))
  return [...kept, ...patch.filter((value) => !kept.includes(value))]
}

const identityOf = (element: unknown, mergeKey: string): unknown =>
  mergeKey !== "" && isObject(element) ? own(element, mergeKey) : element

const indexIn = (list: ReadonlyArray<unknown>, element: unknown, mergeKey: string): number => {
  const id = identityOf(element, mergeKey)
  return list.findIndex((candidate) => equal(identityOf(candidate, mergeKey), id))
}

/**
 * The elements that the order names come in its order; those only the server has keep their place relative to what
 * preceded and followed them before.
 */
const ordered = (
  merged: ReadonlyArray<unknown>,
  before: ReadonlyArray<unknown>,
  order: ReadonlyArray<unknown>,
  mergeKey: string
): ReadonlyArray<unknown> => {
  const named = merged.filter((element) => indexIn(order, element, mergeKey) >= 0)
    .sort((a, b) => indexIn(order, a, mergeKey) - indexIn(order, b, mergeKey))
  const others = merged.filter((element) => indexIn(order, element, mergeKey) < 0)
  const result: Array<unknown> = []
  let next = 0
  for (const element of named) {
    const place = indexIn(before, element, mergeKey)
    while (next < others.length && place >= 0 && indexIn(before, others[next], mergeKey) < place) {
      result.push(others[next++])
    }
    result.push(element)
  }
  return [...result, ...others.slice(next)]
}

export const mergeLists = (options: ListMerge): Patched<ReadonlyArray<unknown>> => {
  const merged = options.mergeKey === "" ? Result.succeed(byValue(options)) : byKey(options)
  if (Result.isFailure(merged) || !Array.isArray(options.order)) return merged
  return Result.succeed(ordered(merged.success, options.original, options.order, options.mergeKey))
}
