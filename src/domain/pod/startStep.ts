/** Which container starts next: predecessors first, one at a time, none before its wait is over (parity D5–D8, N2). */
import type { ContainerStatus } from "../k8s/podStatus.ts"
import { isImageFailure, retryWait } from "./backoff.ts"
import { announceAfterMs, countRestart, inBackoff } from "./crashLoop.ts"
import { type Draft, remove, waitsFor, wasTried } from "./draft.ts"
import { initProgress } from "./initOrder.ts"
import { Action, type ObservedContainer, type StartFailure, type StartReason } from "./model.ts"
import { isSurmise } from "./reasons.ts"
import { resizesFirst } from "./resizeStep.ts"
import { newestOf, owedStart, type Scene, wantsStart } from "./scene.ts"
import type { Slot } from "./spec.ts"

/** Failures that leave a dead container behind: its crash back-off paces them. */
const leavesRecord: ReadonlySet<string> = new Set(["RunContainerError", "PostStartHookError", "CrashLoopBackOff"])

const announceImageBackoff = (slot: Slot, draft: Draft, failure: StartFailure): void => {
  if (!isImageFailure(failure.reason) || failure.reason === "ImagePullBackOff") return
  if (waitsFor(draft, { sinceMs: failure.atMs, lengthMs: announceAfterMs })) return
  const text = `Back-off pulling image "${slot.container.image ?? ""}"`
  const container = { name: slot.name, kind: slot.kind }
  draft.events.push(
    { type: "Normal", reason: "BackOff", message: text, container },
    { type: "Warning", reason: "Failed", message: "Error: ImagePullBackOff", container }
  )
  draft.memory = {
    ...draft.memory,
    startFailures: {
      ...draft.memory.startFailures,
      [slot.name]: {
        ...failure,
        reason: "ImagePullBackOff",
        message: `${text}: ${failure.reason}: ${failure.message}`
      }
    }
  }
}

/** True while the last failed try still holds the next one up. */
const waitsForRetry = (slot: Slot, draft: Draft, newest: ObservedContainer | undefined): boolean => {
  const failure = draft.memory.startFailures[slot.name]
  if (failure === undefined || (leavesRecord.has(failure.reason) && newest?.state === "Exited")) return false
  if (draft.memory.triedImages?.[slot.name] !== slot.container.image || !waitsFor(draft, retryWait(failure))) {
    return false
  }
  announceImageBackoff(slot, draft, failure)
  return true
}

const nextCount = (newest: ObservedContainer | undefined, status: ContainerStatus | undefined): number => {
  const shown = status?.restartCount ?? 0
  if (newest !== undefined) return Math.max(newest.restartCount, shown) + 1
  const ran = status?.lastState?.terminated !== undefined || status?.state?.terminated !== undefined
  return ran && !isSurmise(status?.lastState?.terminated) ? shown + 1 : shown
}

const whyStart = (scene: Scene, slot: Slot, newest: ObservedContainer | undefined): StartReason => {
  if (newest === undefined) return "FirstStart"
  if (newest.sandboxId !== scene.sandbox?.id) return "SandboxChanged"
  return owedStart(scene, slot.name) ?? "Restart"
}

/** Plans the start of one container. False when it has to wait and another may go. */
const start = (scene: Scene, slot: Slot, draft: Draft, statuses: ReadonlyMap<string, ContainerStatus>): boolean => {
  const newest = newestOf(scene, slot.name)
  if (newest !== undefined && draft.memory.busy.kills[newest.id] !== undefined) return false
  if (newest?.state === "Created") {
    // Made but never run, by an agent that did not live to start it: it must not count as a run.
    remove(draft, newest)
    return false
  }
  // What this very plan kills is still to be killed.
  if (newest?.state === "Unknown" && !wasTried(scene.view.memory, `kill:${newest.id}`)) return false
  if (waitsForRetry(slot, draft, newest)) return false
  const again = newest?.state === "Exited" && !(slot.kind === "init" && newest.exitCode === 0)
  if (again && inBackoff(scene, slot, draft, newest)) return false
  if (again) countRestart(scene, slot, draft, newest)
  draft.memory = {
    ...draft.memory,
    triedImages: { ...draft.memory.triedImages, [slot.name]: slot.container.image ?? "" }
  }
  draft.actions.push(Action.StartContainer({
    name: slot.name,
    kind: slot.kind,
    sandboxId: scene.sandbox?.id ?? "",
    restartCount: nextCount(newest, statuses.get(slot.name)),
    why: whyStart(scene, slot, newest)
  }))
  return true
}

/** `statuses`: what users see of each container now, which knows of runs whose records are gone. */
export const startStep = (
  scene: Scene,
  draft: Draft,
  statuses: ReadonlyMap<string, ContainerStatus>
): void => {
  const { busy } = draft.memory
  if (scene.sandbox === undefined || busy.start !== undefined || busy.sandbox || !scene.view.volumes.ready) return
  if (resizesFirst(scene)) return
  const init = initProgress(scene)
  const candidates = [
    ...scene.ephemeral.filter((slot) => wantsStart(scene, slot)),
    ...init.starts,
    ...(init.done ? scene.regular.filter((slot) => wantsStart(scene, slot)) : [])
  ]
  for (const slot of candidates) {
    if (start(scene, slot, draft, statuses)) return
  }
}
