/** Keeps a loop of the agent alive: a failure or a defect is logged, counted and followed by a new start after a pause. */
import { Cause, Effect, Metric, Schedule } from "effect"

const restarts = Metric.counter("kubeffect_loop_restarts_total", {
  description: "Loops of the agent that ended by a failure and were started again."
})

const pause = Schedule.min([Schedule.exponential("200 millis"), Schedule.spaced("10 seconds")]).pipe(Schedule.jittered)

/** Runs `task` until it succeeds: it is started anew after every failure and defect, whatever it was. */
export const superviseToEnd = <A, E, R>(name: string, task: Effect.Effect<A, E, R>): Effect.Effect<A, never, R> =>
  task.pipe(
    Effect.sandbox,
    Effect.tapError((cause) =>
      Cause.hasInterruptsOnly(cause)
        ? Effect.void
        : Effect.logError(`${name} failed and starts again`, cause).pipe(
          Effect.andThen(Metric.update(Metric.withAttributes(restarts, { loop: name }), 1))
        )
    ),
    Effect.retry({ schedule: pause, while: (cause) => !Cause.hasInterruptsOnly(cause) }),
    // Only interruption is not retried.
    Effect.catch(() => Effect.interrupt)
  )

/** Runs `loop` for ever. Only interruption ends it; a loop that returns is started again like one that failed. */
export const supervise = <E, R>(name: string, loop: Effect.Effect<unknown, E, R>): Effect.Effect<never, never, R> =>
  superviseToEnd(name, Effect.andThen(loop, Effect.die(new Error(`the loop ${name} ended by itself`)))).pipe(
    Effect.annotateLogs("loop", name)
  )
