/** `/metrics/resource` (O7): the few series that autoscalers and `kubectl top` live on. */
import type { Family, Sample } from "./exposition.ts"
import { newestOfEachName, type StatsReading, type Usage } from "./readings.ts"

type Labels = Readonly<Record<string, string>>

/** `failed`: some of the readings could not be taken. */
export const resourceFamilies = (reading: StatsReading | undefined): ReadonlyArray<Family> => {
  const failed: Family = {
    name: "resource_scrape_error",
    help: "[STABLE] 1 if there was an error while getting container metrics, 0 otherwise",
    type: "gauge",
    samples: [{ labels: {}, value: reading === undefined ? 1 : 0 }]
  }
  if (reading === undefined) {
    return [failed]
  }
  const pods = newestOfEachName(reading.pods)
  const node: ReadonlyArray<Reading> = reading.node.usage === undefined ? [] : [[{}, reading.node.usage]]
  const containers = pods.flatMap(({ containers, name: pod, namespace }) =>
    containers.map((container) => [{ container: container.name, namespace, pod }, container] as const)
  )
  const usages: ReadonlyArray<Reading> = containers.map(([labels, { usage }]) => [labels, usage])
  const podUsages: ReadonlyArray<Reading> = pods.flatMap(({ name: pod, namespace, usage }) =>
    usage === undefined ? [] : [[{ namespace, pod }, usage] as const]
  )
  return [
    failed,
    ...usageFamilies("node", "node", node),
    ...usageFamilies("container", "container", usages),
    family(
      "container_swap_limit_bytes",
      "Current amount of the container swap limit in bytes",
      "gauge",
      usages,
      (usage) => usage.swap?.limitBytes
    ),
    {
      name: "container_start_time_seconds",
      help: "[STABLE] Start time of the container since unix epoch in seconds",
      type: "gauge",
      samples: containers.map(([labels, { startedAtMs }]) => ({ labels, value: startedAtMs / 1000 }))
    },
    ...usageFamilies("pod", "pod", podUsages)
  ]
}

type Reading = readonly [labels: Labels, usage: Usage]

const usageFamilies = (prefix: string, what: string, readings: ReadonlyArray<Reading>): ReadonlyArray<Family> => [
  family(
    `${prefix}_cpu_usage_seconds_total`,
    `[STABLE] Cumulative cpu time consumed by the ${what} in core-seconds`,
    "counter",
    readings,
    ({ cpu }) => cpu && cpu.usageNs / 1e9
  ),
  family(
    `${prefix}_memory_working_set_bytes`,
    `[STABLE] Current working set of the ${what} in bytes`,
    "gauge",
    readings,
    ({ memory }) => memory?.workingSetBytes
  ),
  family(
    `${prefix}_swap_usage_bytes`,
    `Current swap usage of the ${what} in bytes. Reported only on non-windows systems`,
    "gauge",
    readings,
    ({ swap }) => swap?.usageBytes
  )
]

const family = (
  name: string,
  help: string,
  type: Family["type"],
  readings: ReadonlyArray<Reading>,
  value: (usage: Usage) => number | undefined
): Family => ({
  name,
  help,
  type,
  samples: readings.flatMap(([labels, usage]): ReadonlyArray<Sample> => {
    const found = value(usage)
    return found === undefined ? [] : [{ labels, value: found, atMs: usage.atMs }]
  })
})
