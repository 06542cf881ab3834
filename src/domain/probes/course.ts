/**
 * The course of one probe of one running container: when the next run is due and what the runs so far amount to
 * (parity H1–H3). Pure: whoever runs the probe sleeps until `nextAtMs`, tries, and tells the outcome.
 */
import type { ProbeKind, ProbeSettings } from "./settings.ts"

/** `error`: the try could not be made; it counts neither way. */
export type RunOutcome = "success" | "failure" | "error"

export interface Course {
  /** Undefined until a threshold was crossed for the first time. */
  readonly verdict: "success" | "failure" | undefined
  readonly lastOutcome: "success" | "failure" | undefined
  /** Outcomes in a row like the last one. */
  readonly inARow: number
  /** When the next run is due; undefined when there is none for this container any more. */
  readonly nextAtMs: number | undefined
}

export interface CourseStart {
  readonly kind: ProbeKind
  readonly settings: ProbeSettings
  readonly containerStartedAtMs: number
  /** When the startup probe succeeded; the container's start where there is none. */
  readonly releasedAtMs: number
  readonly nowMs: number
  readonly agentStartedAtMs: number
  /** Names the probe: what spreads the first runs of many, the same way every time. */
  readonly key: string
}

/** A fraction in [0, 1) that only depends on the text. */
export const fractionOf = (text: string): number => {
  let hash = 2_166_136_261
  for (let i = 0; i < text.length; i++) hash = Math.imul(hash ^ text.charCodeAt(i), 16_777_619)
  // FNV leaves the top bits of short texts alike; one round of mixing spreads them.
  hash = Math.imul(hash ^ (hash >>> 15), 2_246_822_507)
  return ((hash ^ (hash >>> 13)) >>> 0) / 2 ** 32
}

const startupFirstMs = 1000

/**
 * The kubelet's first run comes anywhere within a period. Readiness is asked for at once, because traffic waits for it;
 * liveness as late as allowed, because nothing can be gained by killing early; startup in between.
 */
const firstDelayMs = (kind: ProbeKind, periodMs: number): number => {
  switch (kind) {
    case "readiness":
      return 0
    case "startup":
      return Math.min(periodMs, startupFirstMs)
    case "liveness":
      return periodMs
  }
}

/**
 * The first run. Probes of containers that were there before the agent are spread over their period, so that a restart
 * of the agent does not try them all at once.
 */
export const beginCourse = (start: CourseStart): Course => {
  const { agentStartedAtMs, containerStartedAtMs, kind, key, nowMs, releasedAtMs, settings } = start
  const plannedMs = containerStartedAtMs + settings.initialDelayMs + firstDelayMs(kind, settings.periodMs)
  // A container that starts later than that was started before the clock was set back.
  const latestMs = nowMs + settings.initialDelayMs + settings.periodMs
  const dueMs = Math.min(Math.max(plannedMs, releasedAtMs, nowMs), latestMs)
  const young = containerStartedAtMs < agentStartedAtMs && nowMs - agentStartedAtMs < settings.periodMs
  return {
    verdict: undefined,
    lastOutcome: undefined,
    inARow: 0,
    nextAtMs: young ? Math.max(dueMs, nowMs + Math.floor(fractionOf(key) * settings.periodMs)) : dueMs
  }
}

/**
 * The next planned time after now: counted from the plan, not from the run's end, so that nothing drifts. A plan that was
 * made before the clock was set back does not count.
 */
const nextTickMs = (plannedMs: number, periodMs: number, nowMs: number): number =>
  Math.min(nowMs + periodMs, plannedMs + periodMs * Math.max(1, Math.ceil((nowMs - plannedMs) / periodMs)))

/** The course after a run that ended at `nowMs`. */
export const afterRun = (
  course: Course,
  run: {
    readonly kind: ProbeKind
    readonly settings: ProbeSettings
    readonly outcome: RunOutcome
    readonly nowMs: number
  }
): Course => {
  const { kind, nowMs, outcome, settings } = run
  const nextAtMs = nextTickMs(course.nextAtMs ?? nowMs, settings.periodMs, nowMs)
  if (outcome === "error") return { ...course, nextAtMs }
  const inARow = outcome === course.lastOutcome ? course.inARow + 1 : 1
  const threshold = outcome === "success" ? settings.successThreshold : settings.failureThreshold
  if (inARow < threshold) return { ...course, lastOutcome: outcome, inARow, nextAtMs }
  // A failed liveness or startup probe has said all it can of this container, and so has a startup probe that succeeded.
  const isLast = kind === "startup" || (kind === "liveness" && outcome === "failure")
  return { verdict: outcome, lastOutcome: outcome, inARow, nextAtMs: isLast ? undefined : nextAtMs }
}

/** A try that fails with an error is made again at once, this many times in all (parity H2). */
export const triesPerRun = 3
