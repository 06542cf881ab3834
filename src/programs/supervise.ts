/** Keeps a loop of the agent alive: a failure or a defect is logged, counted and followed by a new start after a pause. */
import { Cause, Effect, Metric, Random } from "effect"

const restarts = Metric.counter("kubeffect_loop_restarts_total", {
  description: "Loops of the agent that ended by a failure and were started again."
})

const firstPauseMs = 200
const mostPauseMs = 10_000

/** Up to a fifth more or less, so that loops that failed together do not start together. */
const pauseAfter = (failures: number) =>
  Effect.flatMap(
    Random.next,
    (dice) => Effect.sleep(Math.min(firstPauseMs * 2 ** (failures - 1), mostPauseMs) * (0.8 + 0.4 * dice))
  )

/** Runs `task` until it succeeds: it is started anew after every failure and defect, whatever it was. */
export const superviseToEnd = <A, E, R>(name: string, task: Effect.Effect<A, E, R>): Effect.Effect<A, never, R> =>
  Effect.suspend(() => {
    // Not a schedule: a node has dozens of these, and most hold what a schedule remembers for a failure that never comes.
    let failures = 0
    const attempt: Effect.Effect<A, never, R> = Effect.catchCause(task, (cause) => {
      if (Cause.hasInterruptsOnly(cause)) return Effect.interrupt
      failures += 1
      return Effect.logError(`${name} failed and starts again`, cause).pipe(
        Effect.andThen(Metric.update(Metric.withAttributes(restarts, { loop: name }), 1)),
        Effect.andThen(pauseAfter(failures)),
        Effect.andThen(attempt)
      )
    })
    return attempt
  })

/** Runs `loop` for ever. Only interruption ends it; a loop that returns is started again like one that failed. */
export const supervise = <E, R>(name: string, loop: Effect.Effect<unknown, E, R>): Effect.Effect<never, never, R> =>
  superviseToEnd(name, Effect.andThen(loop, () => Effect.die(new Error(`the loop ${name} ended by itself`)))).pipe(
    Effect.annotateLogs("loop", name)
  )
