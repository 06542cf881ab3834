/**
 * Gives memory back after bursts. V8 collects when it needs room, so after fifty pods have started at once an idle agent
 * would keep the garbage of it for hours; a node's memory belongs to its pods.
 */
import { Effect, Ref, Schedule } from "effect"
import { performance } from "node:perf_hooks"

const roundMs = 5000
/** Share of a round that the agent may have worked in: a collection takes a third of a second that a pod may not wait. */
const idleShare = 0.05
/** Growth since the last collection that is worth one. */
const worthBytes = 6 * 1024 * 1024

/** Runs for ever where the process was started with `--expose-gc`, as `bin/kubeffect` does; else does nothing. */
export const heapTrim = Effect.gen(function*() {
  const { gc } = globalThis
  if (gc === undefined) return yield* Effect.never
  const left = yield* Ref.make(0)
  const loop = yield* Ref.make(performance.eventLoopUtilization())
  const round = Effect.gen(function*() {
    const now = performance.eventLoopUtilization()
    const { utilization } = performance.eventLoopUtilization(now, yield* Ref.getAndSet(loop, now))
    if (utilization > idleShare || process.memoryUsage().heapTotal - (yield* Ref.get(left)) < worthBytes) return
    yield* Effect.sync(() => gc({ type: "major", execution: "sync", flavor: "last-resort" }))
    yield* Ref.set(left, process.memoryUsage().heapTotal)
    yield* Ref.set(loop, performance.eventLoopUtilization())
  })
  return yield* Effect.repeat(round, Schedule.spaced(roundMs))
})
