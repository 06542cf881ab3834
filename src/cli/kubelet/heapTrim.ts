/**
 * Gives memory back after bursts. V8 collects when it needs room, so after fifty pods have started at once an idle agent
 * would keep the garbage of it for hours; a node's memory belongs to its pods.
 */
import { Effect, Ref, Schedule } from "effect"

const roundMs = 15_000
/** Growth since the last collection that is worth the few hundredths of a second that a collection takes. */
const worthBytes = 6 * 1024 * 1024

/** Runs for ever where the process was started with `--expose-gc`, as `bin/kubeffect` does; else does nothing. */
export const heapTrim = Effect.gen(function*() {
  const { gc } = globalThis
  if (gc === undefined) return yield* Effect.never
  const left = yield* Ref.make(0)
  const round = Effect.gen(function*() {
    if (process.memoryUsage().heapTotal - (yield* Ref.get(left)) < worthBytes) return
    yield* Effect.sync(() => gc({ type: "major", execution: "sync", flavor: "last-resort" }))
    yield* Ref.set(left, process.memoryUsage().heapTotal)
  })
  return yield* Effect.repeat(round, Schedule.spaced(roundMs))
})
