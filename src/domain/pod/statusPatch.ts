/**
 * The strategic merge patch that takes a pod's status from what the server shows to what the agent wants (parity F2, F6).
 * It names the pod's UID, so that it never lands on another pod of the same name, and leaves alone every condition that
 * is not the agent's.
 */
import { equalValues } from "../equalValues.ts"
import type { PodCondition, PodStatus } from "../k8s/podStatus.ts"
import { ownConditionTypes } from "./conditions.ts"

/** Set by the agent only when it evicts or shuts down; never removed by it (parity F2). */
const isOurs = ({ type }: PodCondition): boolean => ownConditionTypes.has(type) || type === "DisruptionTarget"

/** Addresses are lists that merge by key: replaced as a whole, or an old address would stay for ever. */
const mergedLists: ReadonlySet<string> = new Set(["podIPs", "hostIPs"])

/** All other fields belong to somebody else (scheduler, claims controller) or to a newer server, and are left alone. */
const ownFields: ReadonlySet<string> = new Set([
  "observedGeneration",
  "phase",
  "message",
  "reason",
  "hostIP",
  "hostIPs",
  "podIP",
  "podIPs",
  "startTime",
  "initContainerStatuses",
  "containerStatuses",
  "ephemeralContainerStatuses",
  "qosClass",
  "allocatedResources",
  "resources"
])

type Json = Readonly<Record<string, unknown>>

const isJson = (value: unknown): value is Json => typeof value === "object" && value !== null && !Array.isArray(value)

const keysOf = (a: Json, b: Json): ReadonlyArray<string> => [...new Set([...Object.keys(a), ...Object.keys(b)])]

const valueDiff = (key: string, from: unknown, to: unknown): unknown => {
  if (to === undefined) return null
  if (mergedLists.has(key) && Array.isArray(to)) return [{ $patch: "replace" }, ...to]
  return isJson(from) && isJson(to) ? fieldsDiff(from, to) : to
}

const fieldsDiff = (from: Json, to: Json): Json =>
  Object.fromEntries(
    keysOf(from, to)
      .filter((key) => !equalValues(from[key], to[key]))
      .map((key) => [key, valueDiff(key, from[key], to[key])])
  )

const conditionsDiff = (
  from: ReadonlyArray<PodCondition>,
  to: ReadonlyArray<PodCondition>
): ReadonlyArray<PodCondition | { readonly $patch: "delete"; readonly type: string }> => {
  const before = new Map(from.map((condition) => [condition.type, condition]))
  const changed = to.filter((condition) => isOurs(condition) && !equalValues(before.get(condition.type), condition))
  const present = new Set(to.map(({ type }) => type))
  const gone = from.filter((condition) => ownConditionTypes.has(condition.type) && !present.has(condition.type))
  return [
    ...changed.map((condition) => withRemovals(before.get(condition.type), condition)),
    ...gone.map(({ type }) => ({ $patch: "delete" as const, type }))
  ]
}

/** Fields that the condition had and has no more are named as null: the server merges the rest. */
const withRemovals = (from: PodCondition | undefined, to: PodCondition): PodCondition => {
  const missing = Object.keys(from ?? {}).filter((key) => !Object.hasOwn(to, key) && key !== "lastProbeTime")
  return { ...to, ...Object.fromEntries(missing.map((key) => [key, null])) }
}

export interface StatusPatch {
  readonly metadata: { readonly uid: string }
  readonly status: Json
}

/** Undefined when the server shows all of it already. */
export const statusPatch = (
  shown: PodStatus | undefined,
  wanted: PodStatus,
  uid: string
): StatusPatch | undefined => {
  const own = (status: PodStatus): Json =>
    Object.fromEntries(Object.entries(status).filter(([key]) => ownFields.has(key)))
  const fields = fieldsDiff(own(shown ?? {}), own(wanted))
  const conditions = conditionsDiff(shown?.conditions ?? [], wanted.conditions ?? [])
  if (Object.keys(fields).length === 0 && conditions.length === 0) return undefined
  return {
    metadata: { uid },
    status: { ...fields, ...(conditions.length === 0 ? {} : { conditions }) }
  }
}
