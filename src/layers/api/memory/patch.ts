/** The ways to patch an object: JSON operations, JSON merge, strategic merge, and server-side apply as create-or-merge. */
import { Result } from "effect"
import { applyPatch, type Operation } from "rfc6902"
import { equal, isObject, type JsonObject, objectOf, own, putAll } from "../../../domain/k8s/json.ts"
import type { Shape } from "./fields.ts"
import type { Patched } from "./patchDirectives.ts"
import { strategicPatch } from "./patchStrategic.ts"
import { badRequest, Refusal } from "./refusal.ts"

export type PatchType = "json" | "merge" | "strategic" | "apply"

export interface PatchRequest {
  readonly type: PatchType
  readonly body: unknown
}

/** RFC 7386: null removes, objects merge, everything else replaces. */
const mergePatch = (original: unknown, patch: unknown): unknown => {
  if (!isObject(patch)) return patch
  const base = objectOf(original)
  const changes = new Map<string, unknown>()
  for (const [key, value] of Object.entries(patch)) {
    const before = own(base, key)
    const merged = value === null ? undefined : mergePatch(before, value)
    if (!equal(before, merged)) changes.set(key, merged)
  }
  return putAll(base, changes)
}

const unprocessable = (why: string): Refusal =>
  new Refusal({
    code: 422,
    reason: "Invalid",
    message: "the server rejected our request due to an error in our request",
    details: { causes: [{ reason: "UnexpectedServerResponse", message: why }] }
  })

const verbs: ReadonlySet<unknown> = new Set(["add", "remove", "replace", "move", "copy", "test"])

const isOperation = (value: unknown): value is Operation =>
  isObject(value) && verbs.has(value["op"]) && typeof value["path"] === "string"

const jsonPatch = (original: JsonObject, operations: unknown): Patched<JsonObject> => {
  if (!Array.isArray(operations) || !operations.every(isOperation)) {
    return Result.fail(badRequest("error decoding patch: the body must be a list of JSON patch operations"))
  }
  // The library changes what it patches.
  const copy: unknown = structuredClone(original)
  const failed = applyPatch(copy, operations).find((error) => error !== null)
  if (failed !== undefined) return Result.fail(unprocessable(failed.message))
  return isObject(copy) ? Result.succeed(copy) : Result.fail(unprocessable("the patch leaves no object"))
}

/** Applies a patch; nothing of the original is changed. */
export const applyPatchTo = (original: JsonObject, patch: PatchRequest, shape: Shape): Patched<JsonObject> => {
  switch (patch.type) {
    case "json":
      return jsonPatch(original, patch.body)
    case "merge": {
      if (!isObject(patch.body)) return Result.fail(badRequest("the merge patch must be a JSON object"))
      return Result.succeed(objectOf(mergePatch(original, patch.body)))
    }
    case "strategic":
    case "apply":
      return strategicPatch(original, patch.body, shape)
  }
}
