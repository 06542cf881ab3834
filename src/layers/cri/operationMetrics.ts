/** The kubelet's metrics of runtime calls: how many, how many failed, how long they took. */
import type { DescMethod } from "@bufbuild/protobuf"
import { Clock, Effect, Exit, Metric } from "effect"
import { operationType } from "./callTraits.ts"

const operations = Metric.counter("kubelet_runtime_operations_total", {
  description: "Cumulative number of runtime operations by operation type.",
  incremental: true
})
const errors = Metric.counter("kubelet_runtime_operations_errors_total", {
  description: "Cumulative number of runtime operation errors by operation type.",
  incremental: true
})
const durations = Metric.histogram("kubelet_runtime_operations_duration_seconds", {
  description: "Duration in seconds of runtime operations by operation type.",
  // As the kubelet's, so that dashboards keep their buckets: 14 from 5 ms, each 2.5 times the last.
  boundaries: Metric.exponentialBoundaries({ start: 0.005, factor: 2.5, count: 15 })
})

export const observeOperation = <A, E>(method: DescMethod, call: Effect.Effect<A, E>): Effect.Effect<A, E> => {
  const attributes = { operation_type: operationType(method) }
  return Effect.flatMap(Clock.currentTimeMillis, (startedAt) =>
    Effect.onExit(call, (exit) =>
      Effect.gen(function*() {
        const tookMs = (yield* Clock.currentTimeMillis) - startedAt
        yield* Metric.update(Metric.withAttributes(operations, attributes), 1)
        yield* Metric.update(Metric.withAttributes(durations, attributes), tookMs / 1000)
        if (Exit.isFailure(exit)) yield* Metric.update(Metric.withAttributes(errors, attributes), 1)
      })))
}
