/** The conditions of a pod with their reasons and messages (parity F2). */
import type { ContainerStatus, PodCondition, PodStatus } from "../k8s/podStatus.ts"
import { formatTime } from "../k8s/time.ts"
import type { Phase } from "./phase.ts"
import { resizeConditions } from "./resizeConditions.ts"
import { mayRestartAll } from "./restart.ts"
import type { Scene } from "./scene.ts"

type Verdict = Pick<PodCondition, "status" | "reason" | "message">

/** Condition types that this agent sets; all others belong to somebody else and are never touched. */
export const ownConditionTypes: ReadonlySet<string> = new Set([
  "PodReadyToStartContainers",
  "Initialized",
  "Ready",
  "ContainersReady",
  "PodScheduled",
  "AllContainersRestarting",
  "PodResizePending",
  "PodResizeInProgress"
])

const isTrue: Verdict = { status: "True" }

const no = (reason: string, message: string): Verdict => ({
  status: "False",
  reason,
  ...(message === "" ? {} : { message })
})

/** As Go prints a list of strings. */
const goList = (names: ReadonlyArray<string>): string => `[${names.join(" ")}]`

const initialized = (scene: Scene, statuses: ReadonlyMap<string, ContainerStatus>, phase: Phase): Verdict => {
  if (phase === "Succeeded") return { status: "True", reason: "PodCompleted" }
  const ran = scene.regular.some(({ name }) => {
    const state = statuses.get(name)?.state
    return state?.running !== undefined || state?.terminated !== undefined
  })
  // Once regular containers have run, sidecars that restart do not take it back.
  if (ran) return isTrue
  const incomplete = scene.init.filter((slot) => {
    const status = statuses.get(slot.name)
    return slot.kind === "sidecar" ? status?.started !== true : status?.ready !== true
  })
  return incomplete.length === 0
    ? isTrue
    : no(
      "ContainersNotInitialized",
      `containers with incomplete status: ${goList(incomplete.map((slot) => slot.name))}`
    )
}

const containersReady = (scene: Scene, statuses: ReadonlyMap<string, ContainerStatus>, phase: Phase): Verdict => {
  if (phase === "Succeeded") return no("PodCompleted", "")
  if (phase === "Failed") return no("PodFailed", "")
  const unready = [...scene.init.filter((slot) => slot.kind === "sidecar"), ...scene.regular]
    .filter((slot) => statuses.get(slot.name)?.ready !== true)
    .map((slot) => slot.name)
  return unready.length === 0
    ? isTrue
    : no("ContainersNotReady", `containers with unready status: ${goList(unready)}`)
}

const ready = (scene: Scene, containers: Verdict): Verdict => {
  if (containers.status !== "True") return containers
  const conditions = scene.view.pod.status?.conditions ?? []
  const complaints = (scene.view.pod.spec.readinessGates ?? []).flatMap(({ conditionType }) => {
    const condition = conditions.find((candidate) => candidate.type === conditionType)
    if (condition === undefined) {
      return [`corresponding condition of pod readiness gate "${conditionType}" does not exist.`]
    }
    return condition.status === "True"
      ? []
      : [`the status of pod readiness gate "${conditionType}" is not "True", but ${condition.status}`]
  })
  return complaints.length === 0 ? isTrue : no("ReadinessGatesNotReady", complaints.join(", "))
}

const findCondition = (status: PodStatus | undefined, type: string): PodCondition | undefined =>
  status?.conditions?.find((condition) => condition.type === type)

/** The condition with the time of its last change: kept while the status stays what it was (parity F8). */
const stamped = (scene: Scene, type: string, verdict: Verdict): PodCondition => {
  const { memory, nowMs, pod } = scene.view
  const old = findCondition(memory.lastStatus, type) ?? findCondition(pod.status, type)
  const kept = old?.status === verdict.status ? old?.lastTransitionTime : undefined
  return {
    type,
    ...(pod.metadata.generation === undefined ? {} : { observedGeneration: pod.metadata.generation }),
    ...verdict,
    lastTransitionTime: kept ?? formatTime(nowMs)
  }
}

/** Conditions of others, as the API has them, and the one that an eviction has left. */
const carried = (scene: Scene): ReadonlyArray<PodCondition> => {
  const { memory, pod } = scene.view
  const wanted = memory.termination?.condition
  const disruption = wanted === undefined
    ? findCondition(memory.lastStatus, "DisruptionTarget")
    : stamped(scene, wanted.type, { status: "True", reason: wanted.reason, message: wanted.message })
  const foreign = (pod.status?.conditions ?? []).filter(({ type }) =>
    !ownConditionTypes.has(type) && type !== disruption?.type
  )
  return [...foreign, ...(disruption === undefined ? [] : [disruption])]
}

export const conditionsOf = (
  scene: Scene,
  statuses: ReadonlyMap<string, ContainerStatus>,
  phase: Phase
): ReadonlyArray<PodCondition> => {
  const containers = containersReady(scene, statuses, phase)
  const restarting = scene.view.memory.restartingAll === true
  return [
    ...carried(scene),
    ...resizeConditions(scene),
    stamped(scene, "PodReadyToStartContainers", scene.sandbox === undefined ? { status: "False" } : isTrue),
    stamped(scene, "Initialized", initialized(scene, statuses, phase)),
    stamped(scene, "Ready", ready(scene, containers)),
    stamped(scene, "ContainersReady", containers),
    stamped(scene, "PodScheduled", isTrue),
    ...(mayRestartAll([...scene.init, ...scene.regular])
      ? [stamped(scene, "AllContainersRestarting", restarting ? isTrue : { status: "False" })]
      : [])
  ]
}
