/**
 * Crash back-off (parity D11): the first restart is immediate and opens an entry of 10 s; each further one doubles it up
 * to the node's cap. The wait is measured from the moment the container finished; an entry that was not needed for twice
 * the cap is forgotten. Entries are rebuilt from the records when the agent was restarted, so that a crash of the agent
 * does not let crashing containers start over at once.
 */
import type { Wait } from "../waits.ts"
import type { BackoffEntry, ObservedContainer, StartFailure } from "./model.ts"

export const firstDelayMs = 10_000

const expired = (entry: BackoffEntry, eventMs: number, maxMs: number): boolean => eventMs - entry.lastMs > 2 * maxMs

const initialDelayMs = (maxMs: number): number => Math.min(firstDelayMs, maxMs)

/** What a container that finished then has to wait, or undefined when there is nothing to wait for. */
export const crashWait = (
  entry: BackoffEntry | undefined,
  finishedAtMs: number,
  maxMs: number
): Wait | undefined =>
  entry === undefined || expired(entry, finishedAtMs, maxMs)
    ? undefined
    : { sinceMs: finishedAtMs, lengthMs: entry.delayMs }

/** The entry after a restart at `nowMs` of a container that finished at `finishedAtMs`. */
export const nextEntry = (
  entry: BackoffEntry | undefined,
  times: { readonly finishedAtMs: number; readonly nowMs: number },
  maxMs: number
): BackoffEntry => ({
  delayMs: entry === undefined || entry.delayMs === 0 || expired(entry, times.finishedAtMs, maxMs)
    ? initialDelayMs(maxMs)
    : Math.min(entry.delayMs * 2, maxMs),
  lastMs: times.nowMs
})

const doubled = (times: number, maxMs: number): number =>
  Math.min(initialDelayMs(maxMs) * 2 ** Math.min(times, 30), maxMs)

/**
 * The entry that must have been in force, from what is left of it: the number of restarts bounds it from above, the gap
 * before the newest start (when the record before it is still there) bounds it too, because it ended a wait.
 */
export const derivedEntry = (
  newest: ObservedContainer,
  previous: ObservedContainer | undefined,
  maxMs: number
): BackoffEntry | undefined => {
  if (newest.restartCount <= 0) return undefined
  const byCount = doubled(newest.restartCount - 1, maxMs)
  const gapMs = previous === undefined || previous.finishedAtMs <= 0
    ? -1
    : newest.createdAtMs - previous.finishedAtMs
  // Less than none, when the clock was set back between the two, says nothing.
  if (gapMs < 0) return { delayMs: byCount, lastMs: newest.createdAtMs }
  // A wait of n steps was over; the entry now in force is one step longer.
  const steps = gapMs < initialDelayMs(maxMs) ? 0 : Math.floor(Math.log2(gapMs / initialDelayMs(maxMs))) + 1
  return { delayMs: Math.min(byCount, doubled(steps, maxMs)), lastMs: newest.createdAtMs }
}

/** The text of the waiting state; `delay` as Go prints it. */
export const crashLoopMessage = (delay: string, container: string, podLabel: string): string =>
  `back-off ${delay} restarting failed container=${container} pod=${podLabel}`

const imageFirstMs = 10_000
const imageMaxMs = 300_000
const imageFailures: ReadonlySet<string> = new Set([
  "ErrImagePull",
  "ImagePullBackOff",
  "RegistryUnavailable",
  "SignatureValidationFailed"
])

/** Failures of the registry, which back off like crashes do (parity N2); all others are tried again soon. */
export const isImageFailure = (reason: string): boolean => imageFailures.has(reason)

/** How long after try number `tries` failed the next one begins. */
export const retryDelayMs = (reason: string, tries: number): number => {
  const doublings = Math.min(Math.max(tries - 1, 0), 30)
  return isImageFailure(reason)
    ? Math.min(imageFirstMs * 2 ** doublings, imageMaxMs)
    : Math.min(1000 * 2 ** doublings, 10_000)
}

/** Between the try that failed and the next one. */
export const retryWait = ({ atMs, reason, tries }: StartFailure): Wait => ({
  sinceMs: atMs,
  lengthMs: retryDelayMs(reason, tries)
})
