/** Creating objects: decoded, given defaults, admitted, completed, checked, stored — in the order of a real server. */
import { Result } from "effect"
import { isObject, type JsonObject, objectOf, objectsOf, own, put, textOf } from "../../../domain/k8s/json.ts"
import { namespaces } from "../../../domain/k8s/resources.ts"
import type { KubeObject } from "../KubeApi.ts"
import { decodeFields, noFindings } from "./decode.ts"
import { defaultObject } from "./defaultKinds.ts"
import type { ApiKind } from "./kinds.ts"
import { createCauses, prepareCreate, withoutStatus } from "./prepare.ts"
import * as Refusals from "./refusal.ts"
import { type Identity, kindOf, kubeObject, newSuffix, newUid, type State, timestamp, typed } from "./state.ts"
import { kindCauses } from "./validateKinds.ts"
import { metaCauses } from "./validateMeta.ts"

export type Outcome<A = KubeObject> = Result.Result<A, Refusals.Refusal>

export interface WriteOptions {
  readonly user: Identity
  /** Everything but the storing. */
  readonly dryRun?: boolean
  /** What happens to fields that the server does not know; they are dropped in any case. */
  readonly fieldValidation?: "Ignore" | "Warn" | "Strict"
  readonly warn?: (text: string) => void
}

/** Decodes an object of a kind; `patched` changes how a refusal is put. */
export const decodeFor = (
  kind: ApiKind,
  object: JsonObject,
  before: JsonObject | undefined,
  options: WriteOptions,
  patched = false
): Outcome<JsonObject> => {
  const findings = noFindings()
  const decoded = decodeFields(typed(kind, object), kind.shape, before, findings)
  const [wrong] = findings.wrong
  const unknown = [...new Set(findings.unknown)].map((path) => `unknown field ${JSON.stringify(path)}`)
  const strict = options.fieldValidation === "Strict" && unknown.length > 0
  if (wrong === undefined && !strict) {
    if (options.fieldValidation !== "Ignore") unknown.forEach((text) => options.warn?.(text))
    return Result.succeed(decoded)
  }
  const why = wrong ?? `strict decoding error: ${unknown.join(", ")}`
  if (patched) {
    const message = `Invalid value: ${JSON.stringify(JSON.stringify(object))}: ${why}`
    return Result.fail(Refusals.invalid(kind, "", [{ reason: "FieldValueInvalid", field: "patch", message }]))
  }
  return Result.fail(Refusals.badRequest(
    `${kind.kind} in version ${JSON.stringify(kind.version)} cannot be handled as a ${kind.kind}: ${why}`
  ))
}

/** The namespace of a request and that of its object are one. */
export const placed = (kind: ApiKind, namespace: string, object: JsonObject): Outcome<JsonObject> => {
  const metadata = own(object, "metadata")
  if (metadata !== undefined && !isObject(metadata)) {
    return Result.fail(Refusals.badRequest("the object provided is unrecognized (metadata is not an object)"))
  }
  if (!kind.namespaced) return Result.succeed(put(object, "metadata", put(metadata ?? {}, "namespace", undefined)))
  const given = textOf(own(metadata ?? {}, "namespace"))
  if (given !== "" && given !== namespace) {
    return Result.fail(Refusals.badRequest(
      "the namespace of the provided object does not match the namespace sent on the request"
    ))
  }
  return Result.succeed(put(object, "metadata", put(metadata ?? {}, "namespace", namespace)))
}

const alive = (state: State, kind: ApiKind, namespace: string, name: string): Outcome<void> => {
  if (!kind.namespaced) return Result.succeed(undefined)
  const kindOfSpace = kindOf(state, namespaces)
  const space = state.store.get(kindOfSpace, "", namespace)
  if (space === undefined) return Result.fail(Refusals.notFound(kindOfSpace, namespace))
  if (space.metadata["deletionTimestamp"] === undefined) return Result.succeed(undefined)
  const why = `unable to create new content in namespace ${namespace} because it is being terminated`
  return Result.fail(Refusals.forbidden(kind, name, why, [{
    reason: "NamespaceTerminating",
    message: `namespace ${namespace} is being terminated`,
    field: "metadata.namespace"
  }]))
}

/** How often a name is made up before one that is taken is a conflict. */
const nameAttempts = 8

const freshName = (state: State, kind: ApiKind, namespace: string, metadata: JsonObject): string => {
  const given = textOf(metadata["name"])
  const prefix = textOf(metadata["generateName"])
  if (given !== "" || prefix === "") return given
  // As long as a name may be, less what is added.
  const base = prefix.slice(0, 58)
  for (let attempt = 1; attempt < nameAttempts; attempt++) {
    const name = `${base}${newSuffix(state)}`
    if (state.store.get(kind, kind.namespaced ? namespace : "", name) === undefined) return name
  }
  return `${base}${newSuffix(state)}`
}

const serverSet = ["resourceVersion", "deletionTimestamp", "deletionGracePeriodSeconds", "generation"]

const born = (state: State, kind: ApiKind, name: string, metadata: JsonObject): JsonObject => ({
  ...serverSet.reduce((result, key) => put(result, key, undefined), metadata),
  name,
  uid: newUid(state),
  creationTimestamp: timestamp(state),
  ...(kind.counted ? { generation: 1 } : {})
})

const checked = (state: State, kind: ApiKind, object: JsonObject): Outcome<JsonObject> => {
  const metadata = objectOf(object["metadata"])
  const causes = [
    ...metaCauses(kind, metadata),
    ...kindCauses(kind.kind, object),
    ...createCauses(state, kind, object),
    ...(kind.kind === "Pod" && objectsOf(objectOf(object["spec"])["ephemeralContainers"]).length > 0
      ? [{
        reason: "FieldValueForbidden",
        field: "spec.ephemeralContainers",
        message: "Forbidden: cannot be set on create"
      }]
      : [])
  ]
  return causes.length === 0
    ? Result.succeed(object)
    : Result.fail(Refusals.invalid(kind, textOf(metadata["name"]), causes))
}

export interface CreateRequest {
  readonly kind: ApiKind
  readonly namespace: string
  readonly object: JsonObject
  readonly options: WriteOptions
}

export const create = (state: State, { kind, namespace, object, options }: CreateRequest): Outcome =>
  Result.gen(function*() {
    const here = yield* placed(kind, namespace, object)
    if (textOf(objectOf(here["metadata"])["resourceVersion"]) !== "") {
      return yield* Result.fail(Refusals.badRequest("resourceVersion should not be set on objects to be created"))
    }
    const decoded = yield* decodeFor(kind, withoutStatus(kind, here), undefined, options)
    const metadata = objectOf(decoded["metadata"])
    const name = freshName(state, kind, namespace, metadata)
    yield* alive(state, kind, namespace, name)
    const complete = defaultObject(kind.kind, put(decoded, "metadata", born(state, kind, name, metadata)))
    const creation = { kind, namespace, name, user: options.user }
    const prepared = yield* prepareCreate(state, creation, complete)
    const valid = kubeObject(yield* checked(state, kind, prepared))
    if (state.store.get(kind, valid.metadata.namespace ?? "", name) !== undefined) {
      return yield* Result.fail(Refusals.alreadyExists(kind, name))
    }
    return options.dryRun === true ? valid : state.store.put(kind, valid)
  })
