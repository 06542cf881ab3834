/**
 * Deleting: at once, or marked and left until its finalizers are gone and, for a pod on a node, until its node deletes it
 * with no grace left.
 */
import { Result } from "effect"
import { at, type JsonObject, listOf, numberOf, own, put, textOf } from "../../../domain/k8s/json.ts"
import { formatTime, parseTime } from "../../../domain/k8s/time.ts"
import type { DeleteOptions, KubeObject } from "../KubeApi.ts"
import { nodeOf } from "./collection.ts"
import type { ApiKind } from "./kinds.ts"
import * as Refusals from "./refusal.ts"
import { kubeObject, nowMillis, type State } from "./state.ts"
import type { Outcome } from "./verbCreate.ts"

export interface DeleteSpec extends DeleteOptions {
  readonly propagation?: "Foreground" | "Background" | "Orphan"
  readonly dryRun?: boolean
}

export interface DeleteRequest {
  readonly kind: ApiKind
  readonly namespace: string
  readonly name: string
  readonly options: DeleteSpec
}

const withMeta = (object: KubeObject, change: JsonObject): KubeObject =>
  kubeObject(put(object, "metadata", { ...object.metadata, ...change }))

const mismatch = (kind: ApiKind, object: KubeObject, options: DeleteOptions): Refusals.Refusal | undefined => {
  const name = object.metadata.name ?? ""
  // Real servers name the kind here where they otherwise name the resource.
  const subject = { ...kind, plural: kind.kind }
  const { uid, resourceVersion } = object.metadata
  if (options.uid !== undefined && options.uid !== uid) {
    return Refusals.conflict(
      subject,
      name,
      `the UID in the precondition (${options.uid}) does not match the UID in record (${uid}). ` +
        "The object might have been deleted and then recreated"
    )
  }
  if (options.resourceVersion !== undefined && options.resourceVersion !== resourceVersion) {
    return Refusals.conflict(
      subject,
      name,
      `the ResourceVersion in the precondition (${options.resourceVersion}) does not match the ResourceVersion in record ` +
        `(${resourceVersion}). The object might have been modified`
    )
  }
  return undefined
}

/** Seconds that a pod gets; undefined for what is deleted without grace. */
const graceOf = (kind: ApiKind, object: KubeObject, asked: number | undefined): number | undefined => {
  if (kind.kind !== "Pod") return undefined
  const phase = textOf(at(object, "status", "phase"))
  if (nodeOf(object) === "" || phase === "Failed" || phase === "Succeeded") return 0
  const seconds = asked ?? numberOf(at(object, "spec", "terminationGracePeriodSeconds"))
  // A negative period means the shortest one.
  return seconds < 0 ? 1 : seconds
}

const finalizers: Readonly<Record<string, string>> = { Foreground: "foregroundDeletion", Orphan: "orphan" }

const withFinalizer = (object: KubeObject, propagation: DeleteSpec["propagation"]): KubeObject => {
  const added = propagation === undefined ? undefined : finalizers[propagation]
  const given = listOf(object.metadata["finalizers"])
  if (added === undefined || given.includes(added)) return object
  return withMeta(object, { finalizers: [...given, added] })
}

const isHeld = (kind: ApiKind, object: KubeObject): boolean =>
  listOf(object.metadata["finalizers"]).length > 0 ||
  (kind.kind === "Namespace" && listOf(at(object, "spec", "finalizers")).length > 0)

const marked = (state: State, kind: ApiKind, object: KubeObject, seconds: number): KubeObject => {
  const generation = object.metadata["generation"]
  const inTime = formatTime(nowMillis(state) + seconds * 1000)
  const dying = withMeta(object, {
    deletionTimestamp: inTime,
    ...(kind.kind === "Namespace" ? {} : { deletionGracePeriodSeconds: seconds }),
    ...(typeof generation === "number" ? { generation: generation + 1 } : {})
  })
  return kind.kind === "Namespace" ? kubeObject(put(dying, "status", { phase: "Terminating" })) : dying
}

/** The grace of an object that is being deleted may only shrink; its end moves by as much. */
const shortened = (object: KubeObject, seconds: number): KubeObject => {
  const before = numberOf(object.metadata["deletionGracePeriodSeconds"])
  const end = parseTime(textOf(object.metadata["deletionTimestamp"])) ?? 0
  return withMeta(object, {
    deletionTimestamp: formatTime(end - (before - seconds) * 1000),
    deletionGracePeriodSeconds: seconds
  })
}

interface Step {
  /** What the object becomes, when it lives on or is marked first. */
  readonly object: KubeObject
  readonly removed: boolean
}

const again = (kind: ApiKind, object: KubeObject, asked: number | undefined): Step => {
  const before = own(object.metadata, "deletionGracePeriodSeconds")
  if (kind.kind !== "Pod" || typeof before !== "number" || asked === undefined) {
    return { object, removed: !isHeld(kind, object) && numberOf(before) === 0 }
  }
  const seconds = asked < 0 ? 1 : asked
  if (seconds >= before) return { object, removed: false }
  return { object: shortened(object, seconds), removed: seconds === 0 && !isHeld(kind, object) }
}

const first = (state: State, kind: ApiKind, object: KubeObject, asked: number | undefined): Step => {
  const seconds = graceOf(kind, object, asked)
  const held = isHeld(kind, object)
  if (seconds === undefined && !held) return { object, removed: true }
  return { object: marked(state, kind, object, seconds ?? 0), removed: !held && (seconds ?? 0) === 0 }
}

/**
 * Deletes, or starts to. The answer is the object while it lingers, and for the kinds that the API has always answered
 * with; a success status for all others.
 */
export const remove = (state: State, { kind, namespace, name, options }: DeleteRequest): Outcome => {
  const found = state.store.get(kind, namespace, name)
  if (found === undefined) return Result.fail(Refusals.notFound(kind, name))
  const refusal = mismatch(kind, found, options)
  if (refusal !== undefined) return Result.fail(refusal)
  const dying = found.metadata["deletionTimestamp"] !== undefined
  const object = withFinalizer(found, options.propagation)
  const step = dying
    ? again(kind, object, options.gracePeriodSeconds)
    : first(state, kind, object, options.gracePeriodSeconds)
  if (options.dryRun === true) return Result.succeed(step.object)
  const written = step.object === found ? found : state.store.put(kind, step.object)
  if (!step.removed) return Result.succeed(written)
  const last = state.store.remove(kind, written)
  return Result.succeed(
    kind.returned ? last : kubeObject(Refusals.successStatus(kind, name, found.metadata.uid ?? ""))
  )
}
