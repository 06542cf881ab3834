/** One look at a pod, arranged for deciding: its containers by name, its usable sandbox, and who counts as started. */
import type { ContainerStatus } from "../k8s/podStatus.ts"
import type { ObservedContainer, ObservedSandbox, PodView, ProbeVerdict, StartReason } from "./model.ts"
import { isRestartInPlace } from "./reasons.ts"
import { restartsAfter } from "./restart.ts"
import { type SandboxNeed, sandboxNeed } from "./sandbox.ts"
import { ephemeralSlots, initSlots, regularSlots, type Slot } from "./spec.ts"

export interface Scene {
  readonly view: PodView
  readonly init: ReadonlyArray<Slot>
  readonly regular: ReadonlyArray<Slot>
  readonly ephemeral: ReadonlyArray<Slot>
  readonly need: SandboxNeed
  /** The sandbox that containers can be started in. */
  readonly sandbox: ObservedSandbox | undefined
  /** Records by container name, newest first. */
  readonly records: ReadonlyMap<string, ReadonlyArray<ObservedContainer>>
  /** Container statuses of the newest status, by name. */
  readonly old: ReadonlyMap<string, ContainerStatus>
}

export const sceneOf = (view: PodView): Scene => {
  const need = sandboxNeed(view.pod, view.observed)
  const last = view.memory.lastStatus
  return {
    view,
    init: initSlots(view.pod),
    regular: regularSlots(view.pod),
    ephemeral: ephemeralSlots(view.pod),
    need,
    sandbox: need._tag === "Usable" ? need.sandbox : undefined,
    records: Map.groupBy(view.observed.containers, (container) => container.name),
    old: new Map(
      [
        ...last?.initContainerStatuses ?? [],
        ...last?.containerStatuses ?? [],
        ...last?.ephemeralContainerStatuses ?? []
      ].map((status) => [status.name, status])
    )
  }
}

export const allSlots = (scene: Scene): ReadonlyArray<Slot> => [...scene.init, ...scene.regular, ...scene.ephemeral]

/**
 * Records that count: while a container's start (with its postStart hook) is under way, what it has made so far does
 * not. Users see it as waiting and nothing that follows it begins (parity D13).
 */
export const recordsOf = (scene: Scene, name: string): ReadonlyArray<ObservedContainer> => {
  const records = scene.records.get(name) ?? []
  const newest = records[0]
  return scene.view.memory.busy.start === name && (newest?.state === "Created" || newest?.state === "Running")
    ? records.slice(1)
    : records
}

export const newestOf = (scene: Scene, name: string): ObservedContainer | undefined => recordsOf(scene, name)[0]

/** The newest record if it belongs to the sandbox in use: init containers run again in a new one (parity D6). */
export const currentOf = (scene: Scene, name: string): ObservedContainer | undefined => {
  const newest = newestOf(scene, name)
  return newest !== undefined && newest.sandboxId === scene.sandbox?.id ? newest : undefined
}

export const verdictOf = (scene: Scene, id: string): ProbeVerdict => scene.view.probes[id] ?? {}

export const containerIdText = (scene: Scene, id: string): string =>
  `${scene.view.node.runtimeName ?? "containerd"}://${id}`

/**
 * The old status of the very container that runs now: what it said of readiness stands until a probe decides again, so
 * that a restart of the agent changes nothing for users (parity C15).
 */
const sameContainer = (scene: Scene, record: ObservedContainer): ContainerStatus | undefined => {
  const old = scene.old.get(record.name)
  return old?.containerID === containerIdText(scene, record.id) ? old : undefined
}

/** A running container has started when it has no startup probe or that has succeeded (parity F3, H2). */
export const isStarted = (scene: Scene, slot: Slot, record: ObservedContainer): boolean => {
  if (record.state !== "Running") return false
  if (slot.container.startupProbe === undefined) return true
  const { startup } = verdictOf(scene, record.id)
  return startup === undefined ? sameContainer(scene, record)?.started === true : startup === "success"
}

export const isReady = (scene: Scene, slot: Slot, record: ObservedContainer): boolean => {
  if (slot.kind === "ephemeral") return false
  if (slot.kind === "init") return record.state === "Exited" && record.exitCode === 0
  if (!isStarted(scene, slot, record)) return false
  if (slot.container.readinessProbe === undefined) return true
  const { readiness } = verdictOf(scene, record.id)
  return readiness === undefined ? sameContainer(scene, record)?.ready === true : readiness === "success"
}

/** Whether the container has run on this node before, as far as records or the status still tell. */
export const hasRun = (scene: Scene, slot: Slot): boolean => {
  if (newestOf(scene, slot.name) !== undefined) return true
  const old = scene.old.get(slot.name)
  return old?.state?.running !== undefined || old?.state?.terminated !== undefined ||
    old?.lastState?.terminated !== undefined
}

/** The exit code to judge by when no record is left: lost containers count as killed (parity F3). */
const lostExitCode = (old: ContainerStatus | undefined): number =>
  old?.state?.terminated?.exitCode ?? old?.lastState?.terminated?.exitCode ?? 137

/** Why the container is to run again although it was killed: only as long as its newest record is the one killed. */
export const owedStart = (scene: Scene, name: string): StartReason | undefined => {
  const owed = scene.view.memory.owed?.[name]
  return owed !== undefined && owed.id === newestOf(scene, name)?.id ? owed.why : undefined
}

/** Whether a container that does not run now is to run (again), back-off and order left aside. */
export const wantsStart = (scene: Scene, slot: Slot): boolean => {
  const newest = newestOf(scene, slot.name)
  if (owedStart(scene, slot.name) !== undefined) return newest?.state !== "Running"
  if (newest === undefined) {
    const old = scene.old.get(slot.name)
    return !hasRun(scene, slot) || isRestartInPlace(old?.lastState?.terminated) ||
      restartsAfter(scene.view.pod, slot, lostExitCode(old))
  }
  switch (newest.state) {
    case "Running":
      return false
    case "Created":
      return true
    case "Unknown":
      return slot.kind !== "ephemeral" && restartsAfter(scene.view.pod, slot, 137)
    case "Exited":
      return restartsAfter(scene.view.pod, slot, newest.exitCode)
  }
}

/** A regular container has run in the sandbox in use: initialisation is over and is not repeated (parity D6). */
export const isInitialized = (scene: Scene): boolean =>
  scene.regular.some((slot) => currentOf(scene, slot.name) !== undefined)
