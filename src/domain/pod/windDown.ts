/**
 * The end of a pod (parity C13, D16): regular containers are killed at once and in parallel, sidecars after them one by
 * one in reverse order with what is left of the grace, their hooks ahead of them (parity D7), then the sandboxes are stopped.
 */
import { cancelStart, type Draft, kill, preStopAhead, stopSandbox, wasTried } from "./draft.ts"
import { endGraceSeconds } from "./grace.ts"
import type { ObservedContainer, ObservedPod, Termination } from "./model.ts"
import { allSlots, type Scene } from "./scene.ts"
import type { Slot } from "./spec.ts"

/** A container that may have processes. What the runtime does not know is stopped once; more cannot be done about it. */
export const isAlive = (record: ObservedContainer, draft: Draft): boolean =>
  record.state === "Running" || (record.state === "Unknown" &&
    (!wasTried(draft.memory, `kill:${record.id}`) || draft.memory.busy.kills[record.id] !== undefined))

export const killMessage = (name: string): string => `Stopping container ${name}`

/** Sandboxes that are ready, or that died by themselves: their networks are given back by stopping them, once. */
export const sandboxesToStop = (observed: ObservedPod, draft: Draft): ReadonlyArray<string> =>
  observed.sandboxes
    .filter((sandbox) => sandbox.ready || !wasTried(draft.memory, `stop:${sandbox.id}`))
    .map((sandbox) => sandbox.id)

/** Sidecars whose turn has not come: something that was started after them still runs (parity D7). */
const mustWait = (slot: Slot | undefined, alive: ReadonlyArray<{ readonly slot: Slot | undefined }>): boolean =>
  slot?.kind === "sidecar" &&
  alive.some(({ slot: other }) => other?.kind === "regular" || (other?.kind === "sidecar" && other.index > slot.index))

const beganKey = "end"

/** When the end began: all containers share one grace. */
const elapsedMs = (draft: Draft): number => {
  const began = draft.memory.attempts?.[beganKey]
  // Nothing, after the clock was set back: no grace is longer than it was granted.
  if (began !== undefined) return Math.max(0, draft.nowMs - began.atMs)
  const attempt = { atMs: draft.nowMs, tries: 1, graceMs: 0 }
  draft.memory = { ...draft.memory, attempts: { ...draft.memory.attempts, [beganKey]: attempt } }
  return 0
}

const killAll = (scene: Scene, draft: Draft, termination: Termination): boolean => {
  const slots = new Map(allSlots(scene).map((slot) => [slot.name, slot]))
  const alive = scene.view.observed.containers
    .filter((record) => isAlive(record, draft))
    .map((record) => ({ record, slot: slots.get(record.name) }))
  const elapsed = elapsedMs(draft)
  for (const { record, slot } of alive) {
    const finished = termination.why === "Finished"
    const given = {
      record,
      slot,
      why: !finished ? "PodTerminating" : slot?.kind === "sidecar" ? "SidecarNotNeeded" : "PodFinished",
      message: killMessage(record.name),
      graceSeconds: endGraceSeconds(scene.view.pod, termination),
      elapsedMs: elapsed
    } as const
    if (mustWait(slot, alive)) preStopAhead(draft, given)
    else kill(draft, given)
  }
  return alive.length > 0
}

/** Plans the next steps of the end. True when there is nothing left to stop. */
export const windDown = (scene: Scene, draft: Draft, termination: Termination): boolean => {
  cancelStart(draft)
  const anyAlive = killAll(scene, draft, termination)
  const { busy } = draft.memory
  if (anyAlive || busy.start !== undefined || busy.sandbox || Object.keys(busy.kills).length > 0) return false
  const [next] = sandboxesToStop(scene.view.observed, draft)
  if (next === undefined) return true
  stopSandbox(draft, next, termination.why === "Finished" ? "PodFinished" : "PodTerminating")
  return false
}
