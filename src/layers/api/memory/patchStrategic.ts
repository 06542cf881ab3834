/**
 * Strategic merge patch: maps merge, lists merge by the key that their type declares or are replaced, and `$` directives
 * replace, delete, reorder and prune. What a patch leaves alone is shared with the original.
 */
import { Result } from "effect"
import { equal, isObject, type JsonObject, listOf, objectOf, own, put, putAll } from "../../../domain/k8s/json.ts"
import type { Field, FieldType, Shape } from "./fields.ts"
import { isDirective, type Patched, plain } from "./patchDirectives.ts"
import { mergeLists } from "./patchLists.ts"
import { badRequest } from "./refusal.ts"

const setOrder = "$setElementOrder/"
const deleteFrom = "$deleteFromPrimitiveList/"

const shapeOf = (type: FieldType | undefined): Shape | undefined => {
  if (type === undefined || type._tag === "scalar") return undefined
  return type._tag === "struct" ? type.shape : shapeOf(type.of)
}

const retained = (original: JsonObject, patch: JsonObject): JsonObject => {
  const keep = own(patch, "$retainKeys")
  if (!Array.isArray(keep)) return original
  return Object.fromEntries(Object.entries(original).filter(([key]) => keep.includes(key)))
}

const mergedMap = (original: JsonObject, patch: JsonObject, field: Field | undefined): Patched<JsonObject> =>
  patchObject(original, patch, field === undefined ? undefined : shapeOf(field.type))

const mergedValue = (original: unknown, key: string, patch: JsonObject, field: Field | undefined): Patched<unknown> => {
  const value = own(patch, key)
  if (isObject(value)) return mergedMap(objectOf(original), value, field)
  if (!Array.isArray(value) || field?.mergeKey === undefined) return Result.succeed(plain(value))
  return mergeLists({
    original: listOf(original),
    patch: value,
    mergeKey: field.mergeKey,
    order: own(patch, `${setOrder}${key}`),
    remove: own(patch, `${deleteFrom}${key}`),
    merge: (before, change) => mergedMap(before, change, field)
  })
}

/** Directives on lists whose elements the patch does not name. */
const listDirectives = (original: JsonObject, patch: JsonObject, shape: Shape | undefined): Patched<JsonObject> => {
  let result = original
  for (const key of Object.keys(patch)) {
    const name = key.startsWith(setOrder)
      ? key.slice(setOrder.length)
      : key.startsWith(deleteFrom)
      ? key.slice(deleteFrom.length)
      : ""
    if (name === "" || own(patch, name) !== undefined || !Array.isArray(own(result, name))) continue
    const merged = mergeLists({
      original: listOf(own(result, name)),
      patch: [],
      mergeKey: shape?.fields.get(name)?.mergeKey ?? "",
      order: own(patch, `${setOrder}${name}`),
      remove: own(patch, `${deleteFrom}${name}`),
      merge: (before) => Result.succeed(before)
    })
    if (Result.isFailure(merged)) return Result.fail(merged.failure)
    result = put(result, name, merged.success)
  }
  return Result.succeed(result)
}

const patchObject = (original: JsonObject, patch: JsonObject, shape: Shape | undefined): Patched<JsonObject> => {
  const directive = own(patch, "$patch")
  if (directive === "delete") return Result.succeed({})
  if (directive === "replace") return Result.succeed(objectOf(plain(patch)))
  if (directive !== undefined && directive !== "merge") {
    return Result.fail(badRequest(`Unknown patch type found: ${String(directive)}`))
  }
  const ordered = listDirectives(retained(original, patch), patch, shape)
  if (Result.isFailure(ordered)) return ordered
  const base = ordered.success
  const changes = new Map<string, unknown>()
  for (const [key, value] of Object.entries(patch)) {
    if (isDirective(key)) continue
    if (value === null) {
      changes.set(key, undefined)
      continue
    }
    const before = own(base, key)
    const merged = mergedValue(before, key, patch, shape?.fields.get(key))
    if (Result.isFailure(merged)) return Result.fail(merged.failure)
    if (!equal(before, merged.success)) changes.set(key, merged.success)
  }
  return Result.succeed(putAll(base, changes))
}

/** Applies a strategic merge patch to an object of a type. */
export const strategicPatch = (original: JsonObject, patch: unknown, shape: Shape): Patched<JsonObject> =>
  isObject(patch)
    ? patchObject(original, patch, shape)
    : Result.fail(badRequest("the strategic merge patch must be a JSON object"))
