/** A plan being made: steps add to it in order. It lives no longer than one call of `plan`. */
import { type Wait, waitLeftMs } from "../waits.ts"
import { graceMs } from "./grace.ts"
import type { Action, Attempt, KillReason, ObservedContainer, PodEvent, PodMemory, PodView } from "./model.ts"
import { Action as Actions } from "./model.ts"
import type { Slot } from "./spec.ts"

export interface Draft {
  readonly nowMs: number
  readonly actions: Array<Action>
  readonly events: Array<PodEvent>
  wakeAtMs: number | undefined
  memory: PodMemory
}

export const draftOf = (view: PodView): Draft => ({
  nowMs: view.nowMs,
  actions: [],
  events: [],
  wakeAtMs: undefined,
  memory: view.memory
})

/** Deadlines may be decades away, which is more than timers hold. */
const longestSleepMs = 86_400_000

/** Asks for another look at a time to come; what is due already needs none, it has been acted on. */
export const wakeAt = (draft: Draft, atMs: number): void => {
  if (atMs <= draft.nowMs) return
  draft.wakeAtMs = Math.min(atMs, draft.nowMs + longestSleepMs, draft.wakeAtMs ?? Number.POSITIVE_INFINITY)
}

/** True while the wait lasts; then a look at its end is asked for. */
export const waitsFor = (draft: Draft, wait: Wait): boolean => {
  const leftMs = waitLeftMs(wait, draft.nowMs)
  wakeAt(draft, draft.nowMs + leftMs)
  return leftMs > 0
}

const retryGapMs = (tries: number): number => Math.min(1000 * 2 ** Math.min(tries - 1, 10), 10_000)

/**
 * Whether it is time to try (again). What has been tried and still has to be done is tried again after a pause that
 * grows to 10 s; a shorter grace does not wait.
 */
const begin = (draft: Draft, key: string, grace: number): boolean => {
  const last: Attempt | undefined = draft.memory.attempts?.[key]
  if (last !== undefined && grace >= last.graceMs) {
    if (waitsFor(draft, { sinceMs: last.atMs, lengthMs: retryGapMs(last.tries) })) return false
  }
  const attempt: Attempt = { atMs: draft.nowMs, tries: (last?.tries ?? 0) + 1, graceMs: grace }
  draft.memory = { ...draft.memory, attempts: { ...draft.memory.attempts, [key]: attempt } }
  return true
}

export const wasTried = (memory: PodMemory, key: string): boolean => memory.attempts?.[key] !== undefined

export interface Kill {
  readonly record: ObservedContainer
  readonly slot: Slot | undefined
  readonly why: KillReason
  readonly message: string
  readonly graceSeconds: number
  /** Time of the grace that has gone by already. */
  readonly elapsedMs?: number
}

const hookKey = (id: string): string => `hook:${id}`

const hasTimeForHook = ({ elapsedMs = 0, graceSeconds, slot }: Kill): boolean =>
  graceSeconds * 1000 - elapsedMs > 0 && slot?.container.lifecycle?.preStop !== undefined

/** Plans a kill unless one is under way or was tried just now. A hook that ran ahead of it is not run again. */
export const kill = (draft: Draft, given: Kill): void => {
  const { elapsedMs = 0, graceSeconds, message, record, why } = given
  if (draft.memory.busy.kills[record.id] !== undefined) return
  const hookRan = wasTried(draft.memory, hookKey(record.id))
  if (!begin(draft, `kill:${record.id}`, graceSeconds * 1000)) return
  draft.actions.push(Actions.KillContainer({
    id: record.id,
    name: record.name,
    graceMs: graceMs(graceSeconds, elapsedMs),
    runPreStop: !hookRan && hasTimeForHook(given),
    why,
    message: hookRan ? "" : message
  }))
}

/** Plans the preStop hook of a container whose turn to stop has not come (parity D7). Once. */
export const preStopAhead = (draft: Draft, given: Kill): void => {
  const { elapsedMs = 0, graceSeconds, message, record, why } = given
  const key = hookKey(record.id)
  if (draft.memory.busy.kills[record.id] !== undefined || wasTried(draft.memory, key) || !hasTimeForHook(given)) return
  begin(draft, key, graceSeconds * 1000)
  draft.actions.push(Actions.KillContainer({
    id: record.id,
    name: record.name,
    graceMs: graceMs(graceSeconds, elapsedMs),
    runPreStop: true,
    preStopOnly: true,
    why,
    message
  }))
}

export const remove = (draft: Draft, record: ObservedContainer): void => {
  if (draft.memory.busy.kills[record.id] === undefined && begin(draft, `remove:${record.id}`, 0)) {
    draft.actions.push(Actions.RemoveContainer({ id: record.id, name: record.name }))
  }
}

export const stopSandbox = (
  draft: Draft,
  id: string,
  why: "PodTerminating" | "PodFinished" | "SandboxChanged"
): void => {
  if (draft.memory.busy.sandbox || !begin(draft, `stop:${id}`, 0)) return
  draft.actions.push(Actions.StopSandbox({ id, why }))
}

export const cancelStart = (draft: Draft): void => {
  const name = draft.memory.busy.start
  if (name !== undefined) draft.actions.push(Actions.CancelStart({ name }))
}
