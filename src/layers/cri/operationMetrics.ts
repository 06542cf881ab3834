/** The kubelet's metrics of runtime calls: how many, how many failed, how long they took. */
import type { DescMethod } from "@bufbuild/protobuf"
import { Clock, Effect, Exit, Metric } from "effect"
import { operationType } from "./callTraits.ts"

/** With attributes of their own: those that are added at an update name the series anew each time. */
const metricsOf = (method: DescMethod) => {
  const attributes = { operation_type: operationType(method) }
  return {
    operations: Metric.counter("kubelet_runtime_operations_total", {
      description: "Cumulative number of runtime operations by operation type.",
      incremental: true,
      attributes
    }),
    errors: Metric.counter("kubelet_runtime_operations_errors_total", {
      description: "Cumulative number of runtime operation errors by operation type.",
      incremental: true,
      attributes
    }),
    durations: Metric.histogram("kubelet_runtime_operations_duration_seconds", {
      description: "Duration in seconds of runtime operations by operation type.",
      // As the kubelet's, so that dashboards keep their buckets: 14 from 5 ms, each 2.5 times the last.
      boundaries: Metric.exponentialBoundaries({ start: 0.005, factor: 2.5, count: 15 }),
      attributes
    })
  }
}

/** Wraps the calls of a method. */
export const observeOperation = (method: DescMethod) => {
  const { durations, errors, operations } = metricsOf(method)
  return <A, E>(call: Effect.Effect<A, E>): Effect.Effect<A, E> =>
    Effect.flatMap(Clock.currentTimeMillis, (startedAt) =>
      Effect.onExit(call, (exit) =>
        Effect.gen(function*() {
          const tookMs = (yield* Clock.currentTimeMillis) - startedAt
          yield* Metric.update(operations, 1)
          yield* Metric.update(durations, tookMs / 1000)
          if (Exit.isFailure(exit)) yield* Metric.update(errors, 1)
        })))
}
