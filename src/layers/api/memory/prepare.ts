/** What the server itself sets in objects that are written, kind by kind: statuses, generations, requesters. */
import { Result } from "effect"
import {
  at,
  equal,
  type JsonObject,
  objectOf,
  objectsOf,
  own,
  put,
  putAt,
  putObject,
  withDefaults
} from "../../../domain/k8s/json.ts"
import { qosClassOf } from "../../../domain/k8s/podDefaults.ts"
import { admitPod, gated } from "./admitPod.ts"
import { addressCauses, allocated } from "./allocateService.ts"
import type { ApiKind } from "./kinds.ts"
import type { Cause, Refusal } from "./refusal.ts"
import type { Identity, State } from "./state.ts"
import { ephemeralCauses, podUpdateCauses, resizeCauses, withEphemeral, withResources } from "./updatePod.ts"
import { kindUpdateCauses } from "./validateKinds.ts"

export interface Creation {
  readonly kind: ApiKind
  readonly namespace: string
  readonly name: string
  readonly user: Identity
}

const hasStatus = (kind: ApiKind): boolean => kind.subresources.includes("status")

/** A client's idea of the status of a new object is not taken over, except for nodes, which register with one. */
export const withoutStatus = (kind: ApiKind, object: JsonObject): JsonObject =>
  hasStatus(kind) && kind.kind !== "Node" ? put(object, "status", undefined) : object

const requested = (object: JsonObject, user: Identity): JsonObject =>
  putObject(object, "spec", (spec) => ({
    ...spec,
    username: user.username,
    ...(user.uid === undefined ? {} : { uid: user.uid }),
    groups: user.groups,
    ...(user.extra === undefined ? {} : { extra: user.extra })
  }))

/** A Job without a selector of its own finds its pods by its uid. */
const labelled = (object: JsonObject): JsonObject => {
  if (at(object, "spec", "manualSelector") === true || at(object, "spec", "selector") !== undefined) return object
  const uid = at(object, "metadata", "uid")
  const name = at(object, "metadata", "name")
  const labels = {
    ...objectOf(at(object, "spec", "template", "metadata", "labels")),
    "batch.kubernetes.io/controller-uid": uid,
    "batch.kubernetes.io/job-name": name,
    "controller-uid": uid,
    "job-name": name
  }
  const selector = { matchLabels: { "batch.kubernetes.io/controller-uid": uid } }
  const selected = putAt(
    putAt(object, ["spec", "template", "metadata", "labels"], labels),
    ["spec", "selector"],
    selector
  )
  return at(object, "metadata", "labels") === undefined ? putAt(selected, ["metadata", "labels"], labels) : selected
}

/** Admits and completes a new object that has its defaults. */
export const prepareCreate = (
  state: State,
  creation: Creation,
  object: JsonObject
): Result.Result<JsonObject, Refusal> => {
  const { kind, namespace, name, user } = creation
  switch (kind.kind) {
    case "Pod":
      return Result.map(
        admitPod(state, { subject: kind, name, namespace }, object),
        (pod) => gated(put(pod, "status", { phase: "Pending", qosClass: qosClassOf(objectOf(pod["spec"])) }))
      )
    case "Service":
      return Result.succeed(allocated(state, object))
    case "PersistentVolume":
    case "PersistentVolumeClaim":
      return Result.succeed(put(object, "status", { phase: "Pending" }))
    case "CertificateSigningRequest":
      return Result.succeed(requested(object, user))
    case "Job":
      return Result.succeed(labelled(object))
    default:
      return Result.succeed(object)
  }
}

/** Findings that need more than the object itself. */
export const createCauses = (state: State, kind: ApiKind, object: JsonObject): ReadonlyArray<Cause> =>
  kind.kind === "Service" ? addressCauses(state, object) : []

/** The status of a pod keeps what only the server and older clients know. */
const keptGenerations = (status: JsonObject, before: JsonObject): JsonObject => {
  const kept = withDefaults(status, {
    qosClass: before["qosClass"],
    ...(own(before, "observedGeneration") === undefined ? {} : { observedGeneration: before["observedGeneration"] })
  })
  const old = new Map(objectsOf(before["conditions"]).map((one) => [one["type"], own(one, "observedGeneration")]))
  const conditions = objectsOf(status["conditions"])
  if (!conditions.some((one) => own(one, "observedGeneration") === undefined && old.get(one["type"]) !== undefined)) {
    return kept
  }
  return put(
    kept,
    "conditions",
    conditions.map((one) =>
      own(one, "observedGeneration") === undefined ? put(one, "observedGeneration", old.get(one["type"])) : one
    )
  )
}

const statusUpdate = (kind: ApiKind, object: JsonObject, before: JsonObject): JsonObject => {
  const status = kind.kind === "Pod"
    ? keptGenerations(objectOf(object["status"]), objectOf(before["status"]))
    : object["status"]
  const metadata = put(
    objectOf(object["metadata"]),
    "ownerReferences",
    own(objectOf(before["metadata"]), "ownerReferences")
  )
  return { ...before, metadata, status }
}

const counted = (kind: ApiKind, object: JsonObject, before: JsonObject): JsonObject => {
  const generation = at(before, "metadata", "generation")
  const bump = kind.counted && typeof generation === "number" && !equal(object["spec"], before["spec"])
  return putAt(object, ["metadata", "generation"], bump ? generation + 1 : generation)
}

/** The object that an update through `subresource` (empty: the object itself) may make of what is stored. */
export const prepareUpdate = (
  state: State,
  kind: ApiKind,
  subresource: string,
  object: JsonObject,
  before: JsonObject
): JsonObject => {
  switch (subresource) {
    case "status":
      return counted(kind, statusUpdate(kind, object, before), before)
    case "approval":
    case "finalize":
      return object
    case "ephemeralcontainers":
      return counted(kind, withEphemeral(object, before), before)
    case "resize":
      return counted(kind, withResources(object, before), before)
    default: {
      const kept = hasStatus(kind) ? put(object, "status", before["status"]) : object
      const whole = kind.kind === "Service" ? allocated(state, kept, before) : kept
      return counted(kind, whole, before)
    }
  }
}

/** What an update may not change. */
export const updateCauses = (
  state: State,
  kind: ApiKind,
  subresource: string,
  object: JsonObject,
  before: JsonObject
): ReadonlyArray<Cause> => {
  const spec = objectOf(object["spec"])
  const old = objectOf(before["spec"])
  switch (subresource) {
    case "":
      if (kind.kind === "Pod") return podUpdateCauses(spec, old)
      if (kind.kind === "Service") return addressCauses(state, object, before)
      return kindUpdateCauses(kind.kind, object, before)
    case "ephemeralcontainers":
      return ephemeralCauses(spec, old)
    case "resize":
      return resizeCauses({ now: qosClassOf(spec), before: qosClassOf(old) }, spec, old)
    default:
      return []
  }
}
