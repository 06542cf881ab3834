/** What users see of one container: its state, what it was before, and what waits (parity F3, F4). */
import type { VolumeMount } from "../k8s/container.ts"
import type { ContainerState, ContainerStatus, VolumeMountStatus } from "../k8s/podStatus.ts"
import { formatTime } from "../k8s/time.ts"
import { resourceFields } from "./containerResources.ts"
import type { ObservedContainer } from "./model.ts"
import {
  initLostButDone,
  lostAtEnd,
  lostWhileRunning,
  restartingAllMessage,
  restartingAllReason,
  unknownReason
} from "./reasons.ts"
import { containerIdText, isReady, isStarted, recordsOf, type Scene, wantsStart } from "./scene.ts"
import type { Slot } from "./spec.ts"

const timeOrNone = (millis: number): { readonly at: string } | undefined =>
  millis > 0 ? { at: formatTime(millis) } : undefined

const terminatedState = (scene: Scene, record: ObservedContainer): ContainerState => {
  const started = timeOrNone(record.startedAtMs)
  const finished = timeOrNone(record.finishedAtMs)
  return {
    terminated: {
      exitCode: record.exitCode,
      ...(record.reason === "" ? {} : { reason: record.reason }),
      ...(record.message === "" ? {} : { message: record.message }),
      ...(started === undefined ? {} : { startedAt: started.at }),
      ...(finished === undefined ? {} : { finishedAt: finished.at }),
      containerID: containerIdText(scene, record.id)
    }
  }
}

const waitingByDefault = (scene: Scene): ContainerState => ({
  waiting: { reason: scene.init.length > 0 ? "PodInitializing" : "ContainerCreating" }
})

const stateOf = (scene: Scene, record: ObservedContainer, old: ContainerStatus | undefined): ContainerState => {
  switch (record.state) {
    case "Running": {
      const started = timeOrNone(record.startedAtMs)
      return { running: started === undefined ? {} : { startedAt: started.at } }
    }
    case "Exited":
      return terminatedState(scene, record)
    case "Unknown":
      return old?.state?.running === undefined
        ? waitingByDefault(scene)
        : { terminated: { exitCode: 137, reason: unknownReason, message: lostAtEnd } }
    case "Created":
      return waitingByDefault(scene)
  }
}

const volumeMount = (scene: Scene, mount: VolumeMount): VolumeMountStatus => {
  const handler = scene.sandbox?.runtimeHandler ?? ""
  const possible = scene.view.node.recursiveReadOnlyHandlers?.includes(handler) === true
  const recursive = (mount.recursiveReadOnly === "Enabled" || mount.recursiveReadOnly === "IfPossible") && possible
  return {
    name: mount.name,
    mountPath: mount.mountPath,
    ...(mount.readOnly === true ? { readOnly: true, recursiveReadOnly: recursive ? "Enabled" : "Disabled" } : {})
  }
}

const volumeMounts = (scene: Scene, slot: Slot): Pick<ContainerStatus, "volumeMounts"> => {
  const mounts = slot.container.volumeMounts ?? []
  return mounts.length === 0 ? {} : { volumeMounts: mounts.map((mount) => volumeMount(scene, mount)) }
}

/** The state before the present one: the second newest record, or what the status still knows of removed ones. */
const lastStateOf = (
  scene: Scene,
  newest: ObservedContainer,
  previous: ObservedContainer | undefined
): ContainerState => {
  if (previous?.state === "Exited") return terminatedState(scene, previous)
  const old = scene.old.get(newest.name)
  if (old === undefined) return {}
  if (old.containerID !== containerIdText(scene, newest.id) && old.state?.terminated !== undefined) return old.state
  return old.lastState?.terminated === undefined ? {} : old.lastState
}

/** Told of containers that ask for one: a server that does not know the field has dropped the wish (parity D20). */
const stopSignal = (slot: Slot, record: ObservedContainer): Pick<ContainerStatus, "stopSignal"> =>
  slot.container.lifecycle?.stopSignal === undefined || record.stopSignal === undefined
    ? {}
    : { stopSignal: record.stopSignal }

const fromRecord = (scene: Scene, slot: Slot, newest: ObservedContainer): ContainerStatus => {
  const old = scene.old.get(slot.name)
  const previous = recordsOf(scene, slot.name)[1]
  return {
    name: slot.name,
    state: stateOf(scene, newest, old),
    lastState: lastStateOf(scene, newest, previous),
    ready: isReady(scene, slot, newest),
    // Records may be removed, the count may not fall: "restart all containers" removes them on purpose (KEP-5532).
    restartCount: Math.max(newest.restartCount, old?.restartCount ?? 0),
    image: newest.image,
    imageID: newest.imageRef,
    containerID: containerIdText(scene, newest.id),
    ...(slot.kind === "ephemeral" ? {} : { started: isStarted(scene, slot, newest) }),
    ...resourceFields(slot, newest, scene.view.resize?.inForce),
    ...volumeMounts(scene, slot),
    ...(newest.user === undefined ? {} : { user: { linux: newest.user } }),
    ...stopSignal(slot, newest)
  }
}

/** No record is left, or there has never been one. */
const withoutRecord = (scene: Scene, slot: Slot): ContainerStatus => {
  const old = scene.old.get(slot.name)
  const blank: ContainerStatus = {
    name: slot.name,
    state: waitingByDefault(scene),
    lastState: old?.lastState ?? {},
    ready: false,
    restartCount: old?.restartCount ?? 0,
    image: slot.container.image ?? "",
    imageID: "",
    ...(slot.kind === "ephemeral" ? {} : { started: false }),
    ...volumeMounts(scene, slot)
  }
  if (scene.view.memory.restartingAll === true && old !== undefined) return { ...blank, ...restartingAll(old) }
  if (old?.state?.terminated !== undefined) return { ...old, ready: slot.kind === "init" && old.ready === true }
  const laterRan = slot.kind === "init" && scene.regular.some((regular) => recordsOf(scene, regular.name).length > 0)
  if (laterRan) {
    return {
      ...blank,
      ready: true,
      state: { terminated: { exitCode: 0, reason: "Completed", message: initLostButDone } }
    }
  }
  if (old?.state?.running === undefined || old.lastState?.terminated !== undefined) return blank
  return {
    ...blank,
    lastState: { terminated: { exitCode: 137, reason: unknownReason, message: lostWhileRunning } },
    restartCount: blank.restartCount! + (scene.view.pod.metadata.deletionTimestamp === undefined ? 1 : 0)
  }
}

/** Said once, when the record has just gone; a container that had not run yet only goes on waiting. */
const restartingAll = (old: ContainerStatus): Partial<ContainerStatus> =>
  old.state?.waiting === undefined
    ? {
      state: { waiting: { reason: restartingAllReason, message: restartingAllMessage } },
      lastState: { terminated: { exitCode: 137, reason: restartingAllReason, message: restartingAllMessage } },
      restartCount: (old.restartCount ?? 0) + 1
    }
    : { state: old.state }

/** A container that is to run again shows why it does not yet; what it was becomes its last state. */
const withFailure = (scene: Scene, slot: Slot, status: ContainerStatus): ContainerStatus => {
  const failure = scene.view.memory.startFailures[slot.name]
  if (failure === undefined || scene.view.memory.termination !== undefined || status.state?.running !== undefined) {
    return status
  }
  if (status.state?.terminated !== undefined && !wantsStart(scene, slot)) return status
  return {
    ...status,
    state: { waiting: { reason: failure.reason, ...(failure.message === "" ? {} : { message: failure.message }) } },
    ...(status.state?.terminated === undefined ? {} : { lastState: status.state })
  }
}

export const containerStatus = (scene: Scene, slot: Slot): ContainerStatus => {
  const newest = recordsOf(scene, slot.name)[0]
  return withFailure(
    scene,
    slot,
    newest === undefined ? withoutRecord(scene, slot) : fromRecord(scene, slot, newest)
  )
}
