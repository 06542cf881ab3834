/** Waiting out the back-off of a container that has exited (parity D11), and telling users so. */
import { formatGoDuration } from "../kubeletConfig/goDuration.ts"
import { crashLoopMessage, derivedEntry, nextEntry, waitUntilMs } from "./backoff.ts"
import { type Draft, wakeAt } from "./draft.ts"
import type { BackoffEntry, ObservedContainer, PodEvent } from "./model.ts"
import { owedStart, recordsOf, type Scene } from "./scene.ts"
import { podLabel, type Slot } from "./spec.ts"

const crashLoopReason = "CrashLoopBackOff"

/** Users see how a container ended before they see that it waits. */
export const announceAfterMs = 1000

export const backOffEvent = (scene: Scene, slot: Slot): PodEvent => ({
  type: "Warning",
  reason: "BackOff",
  message: `Back-off restarting failed container ${slot.name} in pod ${podLabel(scene.view.pod)}`,
  container: { name: slot.name, kind: slot.kind }
})

const entryOf = (scene: Scene, slot: Slot, exited: ObservedContainer): BackoffEntry | undefined => {
  const { memory, node } = scene.view
  const known = memory.restartBackoff[slot.name]
  // After a reboot everything starts anew, as it would without records.
  if (known !== undefined || exited.sandboxId !== scene.sandbox?.id) return known
  return derivedEntry(exited, recordsOf(scene, slot.name)[1], node.maxRestartDelayMs)
}

const announce = (scene: Scene, slot: Slot, draft: Draft, wait: { entry: BackoffEntry; exited: ObservedContainer }) => {
  const message = crashLoopMessage(formatGoDuration(wait.entry.delayMs), slot.name, podLabel(scene.view.pod))
  const failure = draft.memory.startFailures[slot.name]
  if (failure?.reason === crashLoopReason && failure.message === message) return
  const dueMs = Math.max(wait.exited.finishedAtMs, failure?.reason === crashLoopReason ? 0 : failure?.atMs ?? 0) +
    announceAfterMs
  if (dueMs > draft.nowMs) return wakeAt(draft, dueMs)
  draft.events.push(backOffEvent(scene, slot))
  draft.memory = {
    ...draft.memory,
    startFailures: {
      ...draft.memory.startFailures,
      [slot.name]: { reason: crashLoopReason, message, atMs: draft.nowMs, tries: 0 }
    }
  }
}

/** True when the container has to wait; then the look that ends the wait is asked for. */
export const inBackoff = (scene: Scene, slot: Slot, draft: Draft, exited: ObservedContainer): boolean => {
  // A new definition has no history.
  if (owedStart(scene, slot.name) === "DefinitionChanged") return false
  const entry = entryOf(scene, slot, exited)
  const untilMs = waitUntilMs(entry, exited.finishedAtMs, scene.view.node.maxRestartDelayMs)
  if (entry === undefined || untilMs === undefined || untilMs <= draft.nowMs) return false
  announce(scene, slot, draft, { entry, exited })
  wakeAt(draft, untilMs)
  return true
}

/** The memory with the restart that begins now counted. */
export const countRestart = (scene: Scene, slot: Slot, draft: Draft, exited: ObservedContainer): void => {
  const { [slot.name]: _, ...others } = draft.memory.restartBackoff
  draft.memory = {
    ...draft.memory,
    restartBackoff: owedStart(scene, slot.name) === "DefinitionChanged" ? others : {
      ...others,
      [slot.name]: nextEntry(
        entryOf(scene, slot, exited),
        { finishedAtMs: exited.finishedAtMs, nowMs: draft.nowMs },
        scene.view.node.maxRestartDelayMs
      )
    }
  }
}
