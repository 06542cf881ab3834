/** Changing what is stored: a replacement or a patch, of the object or of a subresource, against the version it names. */
import { Result } from "effect"
import { at, type JsonObject, listOf, objectOf, own, put, putAt, textOf } from "../../../domain/k8s/json.ts"
import type { KubeObject } from "../KubeApi.ts"
import { sameContent } from "./decode.ts"
import { defaultObject } from "./defaultKinds.ts"
import type { ApiKind } from "./kinds.ts"
import { applyPatchTo, type PatchRequest } from "./patch.ts"
import { prepareUpdate, updateCauses } from "./prepare.ts"
import { immutable } from "./problem.ts"
import * as Refusals from "./refusal.ts"
import { kubeObject, type State } from "./state.ts"
import { kindCauses } from "./validateKinds.ts"
import { metaUpdateCauses } from "./validateMeta.ts"
import { create, decodeFor, type Outcome, placed, type WriteOptions } from "./verbCreate.ts"

export interface Target {
  readonly kind: ApiKind
  /** Empty for cluster-scoped kinds. */
  readonly namespace: string
  readonly name: string
  /** Empty for the object itself. */
  readonly subresource: string
}

export const stored = (state: State, { kind, namespace, name }: Target): Outcome => {
  const found = state.store.get(kind, namespace, name)
  return found === undefined ? Result.fail(Refusals.notFound(kind, name)) : Result.succeed(found)
}

const kept = ["uid", "creationTimestamp", "deletionTimestamp", "deletionGracePeriodSeconds"]

/** Metadata that only the server sets stays what it was. */
const settled = (object: JsonObject, before: JsonObject): JsonObject => {
  const old = objectOf(before["metadata"])
  return put(
    object,
    "metadata",
    kept.reduce((meta, key) => put(meta, key, own(old, key)), objectOf(object["metadata"]))
  )
}

const uidConflict = (target: Target, given: string, actual: string): Refusals.Refusal => {
  const { kind, name, namespace } = target
  const key = ["", "registry", ...(kind.group === "" ? [] : [kind.group]), kind.plural, namespace, name].filter(
    (part, index) => index === 0 || part !== ""
  )
  return Refusals.conflict(
    kind,
    name,
    `StorageError: invalid object, Code: 4, Key: ${
      key.join("/")
    }, ResourceVersion: 0, AdditionalErrorMsg: Precondition ` +
      `failed: UID in precondition: ${given}, UID in object meta: ${actual}`
  )
}

/** The version and the uid that a write names must be those that are stored. */
const current = (target: Target, object: JsonObject, before: KubeObject, replaces: boolean): Outcome<void> => {
  const { kind, name } = target
  const uid = textOf(at(object, "metadata", "uid"))
  if (uid !== "" && uid !== before.metadata.uid) {
    // A replacement was meant for another object; a patch tries to change the uid of this one.
    return Result.fail(
      replaces
        ? uidConflict(target, uid, before.metadata.uid ?? "")
        : Refusals.invalid(kind, name, [immutable("metadata.uid", uid)])
    )
  }
  const version = textOf(at(object, "metadata", "resourceVersion"))
  if (version !== "" && version !== "0") {
    return version === before.metadata.resourceVersion
      ? Result.succeed(undefined)
      : Result.fail(Refusals.modified(kind, name))
  }
  if (!replaces || !kind.versioned) return Result.succeed(undefined)
  // Real servers name the resource here where they otherwise name the kind.
  return Result.fail(Refusals.invalid({ ...kind, kind: kind.plural }, name, [{
    reason: "FieldValueInvalid",
    field: "metadata.resourceVersion",
    message: "Invalid value: 0x0: must be specified for an update"
  }]))
}

const isFinished = (object: KubeObject): boolean =>
  object.metadata["deletionTimestamp"] !== undefined && listOf(object.metadata["finalizers"]).length === 0 &&
  (object.metadata["deletionGracePeriodSeconds"] ?? 0) === 0

/** Stores what an update made of an object; an update that changes nothing makes no new version. */
const replace = (
  state: State,
  target: Target,
  decoded: JsonObject,
  before: KubeObject,
  options: WriteOptions
): Outcome => {
  const { kind, name, subresource } = target
  const whole = settled(prepareUpdate(state, kind, subresource, decoded, before), before)
  const complete = kubeObject(
    putAt(defaultObject(kind.kind, whole), ["metadata", "resourceVersion"], before.metadata.resourceVersion)
  )
  if (sameContent(complete, before)) return Result.succeed(before)
  const causes = [
    ...metaUpdateCauses(kind, complete.metadata, before.metadata),
    ...(subresource === "status" ? [] : kindCauses(kind.kind, complete)),
    ...updateCauses(state, kind, subresource, complete, before)
  ]
  if (causes.length > 0) return Result.fail(Refusals.invalid(kind, name, causes))
  if (options.dryRun === true) return Result.succeed(complete)
  if (!isFinished(complete)) return Result.succeed(state.store.put(kind, complete))
  // What loses its last hold goes as it was, without a version in between.
  state.store.remove(kind, before)
  return Result.succeed(complete)
}

export interface UpdateRequest {
  readonly target: Target
  readonly object: JsonObject
  readonly options: WriteOptions
}

const sameName = (target: Target, object: JsonObject): Outcome<JsonObject> => {
  const metadata = objectOf(object["metadata"])
  const given = textOf(own(metadata, "name"))
  if (given === target.name) return Result.succeed(object)
  if (given === "") return Result.succeed(put(object, "metadata", put(metadata, "name", target.name)))
  return Result.fail(Refusals.badRequest(
    `the name of the object (${given}) does not match the name on the URL (${target.name})`
  ))
}

export const update = (state: State, { target, object, options }: UpdateRequest): Outcome =>
  Result.gen(function*() {
    const { kind, namespace } = target
    const here = yield* Result.flatMap(placed(kind, namespace, object), (it) => sameName(target, it))
    const before = state.store.get(kind, namespace, target.name)
    if (before === undefined && kind.upserted && target.subresource === "") {
      return yield* create(state, { kind, namespace, object: here, options })
    }
    if (before === undefined) return yield* Result.fail(Refusals.notFound(kind, target.name))
    const decoded = yield* decodeFor(kind, here, before, options)
    yield* current(target, decoded, before, true)
    return yield* replace(state, target, decoded, before, options)
  })

export interface PatchOrder {
  readonly target: Target
  readonly patch: PatchRequest
  readonly options: WriteOptions
}

export const patch = (state: State, { target, patch, options }: PatchOrder): Outcome =>
  Result.gen(function*() {
    const { kind, namespace, name } = target
    const before = state.store.get(kind, namespace, name)
    if (before === undefined && patch.type === "apply" && target.subresource === "") {
      const object = yield* sameName(target, objectOf(patch.body))
      return yield* create(state, { kind, namespace, object, options })
    }
    if (before === undefined) return yield* Result.fail(Refusals.notFound(kind, name))
    const patched = yield* applyPatchTo(before, patch, kind.shape)
    const here = yield* Result.flatMap(placed(kind, namespace, patched), (it) => sameName(target, it))
    const decoded = yield* decodeFor(kind, here, before, options, true)
    yield* current(target, decoded, before, false)
    return yield* replace(state, target, decoded, before, options)
  })
