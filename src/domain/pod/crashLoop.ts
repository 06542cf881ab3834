/** Waiting out the back-off of a container that has exited (parity D11), and telling users so. */
import { formatGoDuration } from "../kubeletConfig/goDuration.ts"
import { type Wait, waitLeftMs } from "../waits.ts"
import { crashLoopMessage, crashWait, derivedEntry, nextEntry } from "./backoff.ts"
import { type Draft, waitsFor } from "./draft.ts"
import type { BackoffEntry, ObservedContainer, PodEvent } from "./model.ts"
import { owedStart, recordsOf, type Scene } from "./scene.ts"
import { podLabel, type Slot } from "./spec.ts"

const crashLoopReason = "CrashLoopBackOff"

/** Users see how a container ended before they see that it waits. */
export const announceAfterMs = 1000

const backOffEvent = (scene: Scene, slot: Slot): PodEvent => ({
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

const announce = (scene: Scene, slot: Slot, draft: Draft, wait: Wait): void => {
  const message = crashLoopMessage(formatGoDuration(wait.lengthMs), slot.name, podLabel(scene.view.pod))
  const failure = draft.memory.startFailures[slot.name]
  if (failure?.reason === crashLoopReason && failure.message === message) return
  const shownMs = failure === undefined || failure.reason === crashLoopReason ? 0 : failure.atMs
  if (waitsFor(draft, { sinceMs: Math.max(wait.sinceMs, shownMs), lengthMs: announceAfterMs })) return
  draft.events.push(backOffEvent(scene, slot))
  draft.memory = {
    ...draft.memory,
    startFailures: {
      ...draft.memory.startFailures,
      [slot.name]: { reason: crashLoopReason, message, atMs: draft.nowMs, tries: 0 }
    }
  }
}

/**
 * What the container has to wait for. One that was killed in order to run again is judged by the run before: it did not
 * crash, so only a kill that follows too soon on the end before it has to wait.
 */
const waitOf = (scene: Scene, slot: Slot, exited: ObservedContainer): Wait | undefined => {
  const maxMs = scene.view.node.maxRestartDelayMs
  const owed = owedStart(scene, slot.name)
  // A new definition has no history.
  if (owed === "DefinitionChanged") return undefined
  const entry = entryOf(scene, slot, exited)
  if (owed !== undefined) {
    const before = recordsOf(scene, slot.name)[1]
    const wait = before === undefined ? undefined : crashWait(entry, before.finishedAtMs, maxMs)
    if (wait === undefined || waitLeftMs(wait, exited.finishedAtMs) === 0) return undefined
  }
  return crashWait(entry, exited.finishedAtMs, maxMs)
}

/** True when the container has to wait; then the look that ends the wait is asked for. */
export const inBackoff = (scene: Scene, slot: Slot, draft: Draft, exited: ObservedContainer): boolean => {
  const wait = waitOf(scene, slot, exited)
  if (wait === undefined || !waitsFor(draft, wait)) return false
  announce(scene, slot, draft, wait)
  return true
}

const entryAfter = (scene: Scene, slot: Slot, draft: Draft, exited: ObservedContainer): BackoffEntry | undefined => {
  const owed = owedStart(scene, slot.name)
  if (owed === "DefinitionChanged") return undefined
  const entry = entryOf(scene, slot, exited)
  const judged = owed === undefined ? exited : recordsOf(scene, slot.name)[1]
  // An entry without a delay: the next one is the first that waits, and nothing is derived from the records meanwhile.
  if (judged === undefined) return entry ?? { delayMs: 0, lastMs: draft.nowMs }
  return nextEntry(entry, { finishedAtMs: judged.finishedAtMs, nowMs: draft.nowMs }, scene.view.node.maxRestartDelayMs)
}

/** Remembers that a restart begins now. */
export const countRestart = (scene: Scene, slot: Slot, draft: Draft, exited: ObservedContainer): void => {
  const { [slot.name]: _, ...others } = draft.memory.restartBackoff
  const entry = entryAfter(scene, slot, draft, exited)
  draft.memory = {
    ...draft.memory,
    restartBackoff: entry === undefined ? others : { ...others, [slot.name]: entry }
  }
}
