/**
 * Runs an Effect on virtual time, in one go and without the event loop of Node: equal seeds give equal runs. What waits
 * for a real promise, file or socket never comes back in here.
 */
import { Clock, Context, Effect, type Exit, Logger, Metric, Random, References, Scheduler } from "effect"
import { SeededScheduler } from "./SeededScheduler.ts"
import { VirtualClock } from "./VirtualClock.ts"

export interface SimOptions {
  readonly seed: string | number
  /** The run is cut off after this much virtual time. */
  readonly untilMs: number
  /** How likely a fiber has to let others go first, at each of its operations; default 0.01. */
  readonly preemption?: number
  /** Errors know where they were made, for who looks into a run; default false, since it costs a third of the time. */
  readonly stacks?: boolean
}

export interface SimResult<A, E> {
  /** Absent when the run was cut off, or when nobody in it would ever have moved again. */
  readonly exit: Exit.Exit<A, E> | undefined
  /** Nobody would ever have moved again. */
  readonly stuck: boolean
  readonly elapsedMs: number
  readonly steps: number
}

/** A Tuesday of 2030, so that times of objects are times that servers take. */
const startMs = Date.UTC(2030, 0, 1)

/** Logs are for people; nobody reads those of ten thousand runs. */
const silent = Logger.layer([])

/** Runs it without call stacks, which V8 would take at every error and Effect at every call of a named function. */
const withoutStacks = <A>(run: () => A): A => {
  const before = Error.stackTraceLimit
  Error.stackTraceLimit = 0
  try {
    return run()
  } finally {
    Error.stackTraceLimit = before
  }
}

export const runSim = <A, E>(effect: Effect.Effect<A, E>, options: SimOptions): SimResult<A, E> =>
  options.stacks === true ? run(effect, options) : withoutStacks(() => run(effect, options))

const run = <A, E>(effect: Effect.Effect<A, E>, options: SimOptions): SimResult<A, E> => {
  const seed = String(options.seed)
  const scheduler = new SeededScheduler(seed, options.preemption ?? 0.01)
  const clock = new VirtualClock(startMs)
  const context = Context.make(Clock.Clock, clock).pipe(
    Context.add(Scheduler.Scheduler, scheduler),
    // Spans are for who watches a real node.
    Context.add(References.TracerEnabled, false),
    // Runs of one process count apart, and what they counted goes with them.
    Context.add(Metric.MetricRegistry, new Map())
  )
  const program = Effect.provide(Random.withSeed(effect, seed), silent)
  const fiber = Effect.runForkWith(context)(program, { scheduler })
  const end = startMs + options.untilMs
  scheduler.drain()
  while (fiber.pollUnsafe() === undefined && clock.advance(end, scheduler.push)) scheduler.drain()
  const exit = fiber.pollUnsafe()
  const stuck = exit === undefined && !clock.advance(Number.POSITIVE_INFINITY, () => {})
  if (exit === undefined) {
    fiber.interruptUnsafe()
    scheduler.drain()
  }
  return { exit, stuck, elapsedMs: Math.min(clock.now, end) - startMs, steps: scheduler.steps }
}
