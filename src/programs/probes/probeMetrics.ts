/** The kubelet's metrics of probes: how they went and how long they took. They go when their container goes. */
import { type Context, Effect, Metric } from "effect"
import type { Pod } from "../../domain/k8s/pod.ts"
import type { RunOutcome } from "../../domain/probes/course.ts"
import type { ProbeKind } from "../../domain/probes/settings.ts"

type Attributes = Readonly<Record<string, string>>

// Attributes of the metric itself are made into the key of its series once, those put around it at every update.
const runs = (attributes: Attributes) =>
  Metric.counter("prober_probe_total", {
    description: "Cumulative number of a liveness, readiness or startup probe for a container by result.",
    incremental: true,
    attributes
  })

const durations = (attributes: Attributes) =>
  Metric.histogram("prober_probe_duration_seconds", {
    description: "Duration in seconds for a probe response.",
    boundaries: [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10],
    attributes
  })

const typeNames: Readonly<Record<ProbeKind, string>> = {
  startup: "Startup",
  readiness: "Readiness",
  liveness: "Liveness"
}

const resultNames: Readonly<Record<RunOutcome, string>> = {
  success: "successful",
  failure: "failed",
  error: "unknown"
}

const outcomes: ReadonlyArray<RunOutcome> = ["success", "failure", "error"]

export interface ProbeMetrics {
  /** One run has ended so. `tookMs`: of the try that was answered, if one was. `context`: the one to count in. */
  readonly ended: (context: Context.Context<never>, outcome: RunOutcome, tookMs?: number) => void
  readonly remove: Effect.Effect<void>
}

/** To be made once for a probe, and used for all of its runs. */
export const probeMetrics = ({ metadata }: Pod, container: string, kind: ProbeKind): ProbeMetrics => {
  const { name: pod, namespace, uid } = metadata
  const attributes = { probe_type: typeNames[kind], container, pod, namespace }
  const counters: Partial<Record<RunOutcome, ReturnType<typeof runs>>> = {}
  const counterOf = (outcome: RunOutcome) =>
    counters[outcome] ??= runs({ ...attributes, pod_uid: uid, result: resultNames[outcome] })
  const duration = durations(attributes)
  return {
    ended: (context, outcome, tookMs) => {
      if (tookMs !== undefined) duration.updateUnsafe(tookMs / 1000, context)
      counterOf(outcome).updateUnsafe(1, context)
    },
    remove: Effect.andThen(
      Effect.forEach(outcomes, (outcome) => Metric.remove(counterOf(outcome)), { discard: true }),
      Metric.remove(duration)
    )
  }
}
