/**
 * The status of a pod, computed afresh from one look (parity F1–F5). Promises: a terminal phase is never left, and not
 * shown before everything has stopped; transition times change only with what they time.
 */
import { equalValues } from "../equalValues.ts"
import type { ContainerStatus, PodStatus } from "../k8s/podStatus.ts"
import { formatTime } from "../k8s/time.ts"
import { podAddresses } from "./addresses.ts"
import { conditionsOf } from "./conditions.ts"
import { containerStatus } from "./containerStatus.ts"
import { endedStatuses } from "./ended.ts"
import { type Phase, phaseOf } from "./phase.ts"
import { podResourceFields } from "./podResources.ts"
import { isRestartInPlace } from "./reasons.ts"
import { restartsAfter } from "./restart.ts"
import { isInitialized, owedStart, type Scene } from "./scene.ts"
import { isTerminalPhase, type Slot } from "./spec.ts"

/** The statuses of all containers, and the phase they amount to before it is known whether all has stopped. */
export interface Assessment {
  readonly phase: Phase
  readonly init: ReadonlyArray<ContainerStatus>
  readonly regular: ReadonlyArray<ContainerStatus>
  readonly ephemeral: ReadonlyArray<ContainerStatus>
}

const isStatic = (scene: Scene): boolean => scene.view.source !== "api"

const stickyPhase = (scene: Scene): Phase | undefined => {
  const { memory, pod } = scene.view
  if (isTerminalPhase(pod.status?.phase)) return pod.status.phase
  return isTerminalPhase(memory.lastStatus?.phase) ? memory.lastStatus.phase : undefined
}

/** `stopped`: nothing of the pod will run again, so what has ended has ended for good. */
export const assess = (scene: Scene, stopped: boolean): Assessment => {
  const { memory, pod } = scene.view
  const statusOf = (slot: Slot) => containerStatus(scene, slot)
  const init = scene.init.map(statusOf)
  const regular = scene.regular.map(statusOf)
  const phase = stickyPhase(scene) ?? memory.termination?.status?.phase ?? phaseOf({
    init: scene.init,
    regular: scene.regular,
    statuses: new Map([...init, ...regular].map((status) => [status.name, status])),
    restarts: (slot, ended) =>
      memory.restartingAll === true || isRestartInPlace(ended) || owedStart(scene, slot.name) !== undefined ||
      restartsAfter(pod, slot, ended.exitCode),
    over: stopped && !isStatic(scene),
    initialized: isInitialized(scene)
  })
  return { phase, init, regular, ephemeral: scene.ephemeral.map(statusOf) }
}

type Words = Pick<PodStatus, "reason" | "message">

const wordsOf = (status: PodStatus | undefined): Words => ({
  ...(status?.reason === undefined ? {} : { reason: status.reason }),
  ...(status?.message === undefined ? {} : { message: status.message })
})

/** Reason and message belong to the phase: they stay while it does and come with the end (parity F9). */
const words = (scene: Scene, phase: string): Words => {
  const { memory, pod } = scene.view
  const old = memory.lastStatus ?? pod.status
  if (old?.phase === phase) return wordsOf(old)
  const end = memory.termination?.status
  return end?.phase === phase ? { reason: end.reason, message: end.message } : {}
}

const byName = (a: ContainerStatus, b: ContainerStatus): number => a.name < b.name ? -1 : a.name > b.name ? 1 : 0

/** The last word on a pod that is over: later changes of the object, such as its deletion, do not touch it. */
const isFinal = (status: PodStatus): boolean =>
  isTerminalPhase(status.phase) &&
  status.conditions?.some(({ status, type }) => type === "PodReadyToStartContainers" && status === "True") !== true &&
  [
    ...status.initContainerStatuses ?? [],
    ...status.containerStatuses ?? [],
    ...status.ephemeralContainerStatuses ?? []
  ].every(({ state }) => state?.running === undefined)

/** `stopped`: no container runs, no sandbox is ready, and none will be again. */
export const podStatus = (scene: Scene, stopped: boolean): PodStatus => {
  const { memory, node, pod } = scene.view
  if (stopped && memory.lastStatus !== undefined && isFinal(memory.lastStatus)) return memory.lastStatus
  const assessment = assess(scene, stopped)
  const computed = new Map([...assessment.init, ...assessment.regular].map((status) => [status.name, status]))
  const conditions = conditionsOf(scene, computed, assessment.phase)
  const ended = stopped ? endedStatuses(assessment, stickyPhase(scene)) : assessment
  // Until all has stopped nobody may think that the pod's name, address or volumes are free (parity F8).
  const held = isTerminalPhase(ended.phase) && !stopped ? memory.lastStatus?.phase ?? "Pending" : ended.phase
  const phase = stickyPhase(scene) ?? held
  const next: PodStatus = {
    ...(pod.metadata.generation === undefined ? {} : { observedGeneration: pod.metadata.generation }),
    phase,
    conditions,
    ...words(scene, phase),
    ...(pod.status?.nominatedNodeName === undefined ? {} : { nominatedNodeName: pod.status.nominatedNodeName }),
    ...podAddresses(scene, node.hostIPs),
    startTime: formatTime(memory.acceptedAtMs),
    ...(scene.init.length === 0 ? {} : { initContainerStatuses: ended.init }),
    containerStatuses: [...ended.regular].sort(byName),
    ...(scene.ephemeral.length === 0 ? {} : { ephemeralContainerStatuses: [...ended.ephemeral].sort(byName) }),
    ...podResourceFields(scene)
  }
  // The very same object, so that "has it changed?" is a comparison of references for whoever sends it.
  return memory.lastStatus !== undefined && equalValues(memory.lastStatus, next) ? memory.lastStatus : next
}
