/** What the agent has counted, by Effect's `Metric`, as families of Prometheus. */
import { Clock, Effect, Metric } from "effect"
import { timesToLive } from "../../../domain/stats/certificateMetrics.ts"
import type { Family, Sample } from "../../../domain/stats/exposition.ts"

// Effect puts the unit of timers among the attributes; Prometheus has it in the name.
const internal = new Set(["unit", "time_unit"])

const labelsOf = (attributes: Metric.Metric.AttributeSet | undefined): Record<string, string> =>
  Object.fromEntries(Object.entries(attributes ?? {}).filter(([name]) => !internal.has(name)))

const samplesOf = (metric: Metric.Metric.Snapshot): ReadonlyArray<Sample> => {
  const labels = labelsOf(metric.attributes)
  switch (metric.type) {
    case "Counter":
      return [{ labels, value: metric.state.count }]
    case "Gauge":
      return [{ labels, value: metric.state.value }]
    case "Histogram":
      return [
        ...metric.state.buckets.filter(([le]) => le !== Infinity).map(([le, count]) => ({
          suffix: "_bucket",
          labels: { ...labels, le: String(le) },
          value: count
        })),
        { suffix: "_bucket", labels: { ...labels, le: "+Inf" }, value: metric.state.count },
        { suffix: "_sum", labels, value: metric.state.sum },
        { suffix: "_count", labels, value: metric.state.count }
      ]
    case "Summary":
      return [
        ...metric.state.quantiles.flatMap(([quantile, value]) =>
          value === undefined ? [] : [{ labels: { ...labels, quantile: String(quantile) }, value }]
        ),
        { suffix: "_sum", labels, value: metric.state.sum },
        { suffix: "_count", labels, value: metric.state.count }
      ]
    case "Frequency":
      return [...metric.state.occurrences].map(([key, value]) => ({ labels: { ...labels, key }, value }))
  }
}

const types = {
  Counter: "counter",
  Gauge: "gauge",
  Histogram: "histogram",
  Summary: "summary",
  Frequency: "counter"
} as const

/** All metrics of this process that `keep` wants, by name. */
export const registered = (keep: (name: string) => boolean): Effect.Effect<ReadonlyArray<Family>> =>
  Effect.map(Effect.zip(Metric.snapshot, Clock.currentTimeMillis), ([snapshot, nowMs]) => {
    const families = new Map<string, Family & { readonly samples: Array<Sample> }>()
    for (const metric of snapshot) {
      if (!keep(metric.id)) {
        continue
      }
      const family = families.get(metric.id)
      if (family === undefined) {
        families.set(metric.id, {
          name: metric.id,
          help: metric.description ?? "",
          type: types[metric.type],
          samples: [...samplesOf(metric)]
        })
      } else {
        family.samples.push(...samplesOf(metric))
      }
    }
    const kept = [...families.values()]
    return [...kept, ...timesToLive(kept, nowMs)]
  })
