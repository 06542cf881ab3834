/** `/metrics/cadvisor` (O7): container and machine series under the names and labels that dashboards were built on. */
import type { Family, Sample } from "./exposition.ts"
import { type NetworkReading, newestOfEachName, type StatsReading, type Usage } from "./readings.ts"

type Labels = Readonly<Record<string, string>>

/** One control group, as cAdvisor labels it. */
interface Group {
  readonly labels: Labels
  readonly usage: Usage
  readonly startedAtMs: number
}

const noLabels = { container: "", id: "", image: "", name: "", namespace: "", pod: "" }

export const cadvisorFamilies = (reading: StatsReading, version: Labels): ReadonlyArray<Family> => {
  const { node } = reading
  const pods = newestOfEachName(reading.pods)
  const groups: ReadonlyArray<Group> = [
    ...(node.usage === undefined
      ? []
      : [{ labels: { ...noLabels, id: "/" }, usage: node.usage, startedAtMs: node.bootedAtMs }]),
    ...node.system.map(({ cgroup, usage }) => ({
      labels: { ...noLabels, id: cgroup },
      usage,
      startedAtMs: node.bootedAtMs
    })),
    ...pods.flatMap((pod) => [
      ...(pod.usage === undefined
        ? []
        : [{
          labels: { ...noLabels, id: pod.cgroup ?? "", namespace: pod.namespace, pod: pod.name },
          usage: pod.usage,
          startedAtMs: pod.startedAtMs
        }]),
      ...pod.containers.map((container) => ({
        labels: {
          container: container.name,
          id: container.cgroup ?? "",
          image: container.image,
          name: container.id,
          namespace: pod.namespace,
          pod: pod.name
        },
        usage: container.usage,
        startedAtMs: container.startedAtMs
      }))
    ])
  ]
  const networks = [
    ...(node.network === undefined ? [] : [{ labels: { ...noLabels, id: "/" }, network: node.network }]),
    ...pods.flatMap(({ cgroup = "", name, namespace, network, sandboxId = "" }) =>
      network === undefined
        ? []
        : [{ labels: { ...noLabels, id: cgroup, name: sandboxId, namespace, pod: name }, network }]
    )
  ]
  return [
    ...machineFamilies(node.cpus, node.memoryBytes, version),
    ...cpuFamilies(groups),
    ...memoryFamilies(groups),
    ...ioFamilies(groups),
    ...networkFamilies(networks),
    ...otherFamilies(groups)
  ]
}

const machineFamilies = (cpus: number, memoryBytes: number, version: Labels): ReadonlyArray<Family> => {
  const gauge = (name: string, help: string, value: number, labels: Labels = {}): Family => ({
    name,
    help,
    type: "gauge",
    samples: [{ labels, value }]
  })
  return [
    gauge("cadvisor_version_info", "A metric with a constant '1' value labeled by versions.", 1, version),
    gauge("machine_cpu_cores", "Number of logical CPU cores.", cpus),
    gauge("machine_memory_bytes", "Amount of memory installed on the machine.", memoryBytes)
  ]
}

type Value = (usage: Usage) => number | undefined

const of = (groups: ReadonlyArray<Group>) => {
  const make = (type: Family["type"]) => (name: string, help: string, value: Value, more: Labels = {}): Family => ({
    name,
    help,
    type,
    samples: groups.flatMap(({ labels, usage }): ReadonlyArray<Sample> => {
      const found = value(usage)
      return found === undefined ? [] : [{ labels: { ...labels, ...more }, value: found, atMs: usage.atMs }]
    })
  })
  return { counter: make("counter"), gauge: make("gauge") }
}

const seconds = (ns: number | undefined): number | undefined => ns === undefined ? undefined : ns / 1e9

const cpuFamilies = (groups: ReadonlyArray<Group>): ReadonlyArray<Family> => {
  const { counter } = of(groups)
  return [
    counter(
      "container_cpu_usage_seconds_total",
      "Cumulative cpu time consumed in seconds.",
      ({ cpu }) => seconds(cpu?.usageNs),
      { cpu: "total" }
    ),
    counter(
      "container_cpu_user_seconds_total",
      "Cumulative user cpu time consumed in seconds.",
      ({ cpu }) => seconds(cpu?.userNs)
    ),
    counter(
      "container_cpu_system_seconds_total",
      "Cumulative system cpu time consumed in seconds.",
      ({ cpu }) => seconds(cpu?.systemNs)
    ),
    counter(
      "container_cpu_cfs_periods_total",
      "Number of elapsed enforcement period intervals.",
      ({ cpu }) => cpu?.periods
    ),
    counter(
      "container_cpu_cfs_throttled_periods_total",
      "Number of throttled period intervals.",
      ({ cpu }) => cpu?.throttledPeriods
    ),
    counter(
      "container_cpu_cfs_throttled_seconds_total",
      "Total time duration the container has been throttled.",
      ({ cpu }) => seconds(cpu?.throttledNs)
    ),
    ...pressureFamilies(groups, "cpu", ({ cpu }) => cpu?.pressure),
    ...pressureFamilies(groups, "memory", ({ memory }) => memory?.pressure),
    ...pressureFamilies(groups, "io", ({ io }) => io?.pressure)
  ]
}

const pressureFamilies = (
  groups: ReadonlyArray<Group>,
  resource: string,
  of_: (usage: Usage) => NonNullable<Usage["cpu"]>["pressure"]
): ReadonlyArray<Family> => {
  const { counter } = of(groups)
  const total = (kind: "some" | "full"): Value => (usage) => {
    const found = of_(usage)?.[kind].totalUs
    return found === undefined ? undefined : found / 1e6
  }
  return [
    counter(
      `container_pressure_${resource}_stalled_seconds_total`,
      `Total time duration no tasks in the container could make progress due to ${resource} congestion.`,
      total("full")
    ),
    counter(
      `container_pressure_${resource}_waiting_seconds_total`,
      `Total time duration tasks in the container have waited due to ${resource} congestion.`,
      total("some")
    )
  ]
}

const memoryFamilies = (groups: ReadonlyArray<Group>): ReadonlyArray<Family> => {
  const { counter, gauge } = of(groups)
  const faults = (failure_type: string, value: Value): Family =>
    counter("container_memory_failures_total", "Cumulative count of memory allocation failures.", value, {
      failure_type,
      scope: "container"
    })
  const minor = faults("pgfault", ({ memory }) => memory?.pageFaults)
  const major = faults("pgmajfault", ({ memory }) => memory?.majorPageFaults)
  return [
    gauge(
      "container_memory_usage_bytes",
      "Current memory usage in bytes, including all memory.",
      ({ memory }) => memory?.usageBytes
    ),
    gauge(
      "container_memory_working_set_bytes",
      "Current working set in bytes.",
      ({ memory }) => memory?.workingSetBytes
    ),
    gauge("container_memory_rss", "Size of RSS in bytes.", ({ memory }) => memory?.rssBytes),
    gauge("container_memory_cache", "Number of bytes of page cache memory.", ({ memory }) => memory?.cacheBytes),
    gauge(
      "container_memory_mapped_file",
      "Size of memory mapped files in bytes.",
      ({ memory }) => memory?.mappedFileBytes
    ),
    gauge(
      "container_memory_max_usage_bytes",
      "Maximum memory usage recorded in bytes",
      ({ memory }) => memory?.maxUsageBytes
    ),
    gauge("container_memory_swap", "Container swap usage in bytes.", ({ swap }) => swap?.usageBytes),
    gauge(
      "container_spec_memory_limit_bytes",
      "Memory limit for the container.",
      ({ memory }) => memory === undefined ? undefined : memory.limitBytes ?? 0
    ),
    counter(
      "container_oom_events_total",
      "Count of out of memory events observed for the container",
      ({ memory }) => memory?.oomKills
    ),
    { ...minor, samples: [...minor.samples, ...major.samples] }
  ]
}

const ioFamilies = (groups: ReadonlyArray<Group>): ReadonlyArray<Family> => {
  const family = (
    name: string,
    help: string,
    value: (device: NonNullable<Usage["io"]>["devices"][number]) => number
  ): Family => ({
    name,
    help,
    type: "counter",
    samples: groups.flatMap(({ labels, usage }) =>
      (usage.io?.devices ?? []).map((device) => ({
        labels: { ...labels, device: device.device },
        value: value(device),
        atMs: usage.atMs
      }))
    )
  })
  return [
    family("container_fs_reads_bytes_total", "Cumulative count of bytes read", ({ readBytes }) => readBytes),
    family("container_fs_writes_bytes_total", "Cumulative count of bytes written", ({ writeBytes }) => writeBytes),
    family("container_fs_reads_total", "Cumulative count of reads completed", ({ reads }) => reads),
    family("container_fs_writes_total", "Cumulative count of writes completed", ({ writes }) => writes)
  ]
}

const networkFamilies = (
  networks: ReadonlyArray<{ readonly labels: Labels; readonly network: NetworkReading }>
): ReadonlyArray<Family> => {
  const family = (
    name: string,
    help: string,
    value: (reading: NetworkReading["interfaces"][number]) => number
  ): Family => ({
    name,
    help,
    type: "counter",
    samples: networks.flatMap(({ labels, network }) =>
      network.interfaces.map((reading) => ({
        labels: { ...labels, interface: reading.name },
        value: value(reading),
        atMs: network.atMs
      }))
    )
  })
  return [
    family("container_network_receive_bytes_total", "Cumulative count of bytes received", (i) => i.rxBytes),
    family(
      "container_network_receive_errors_total",
      "Cumulative count of errors encountered while receiving",
      (i) => i.rxErrors
    ),
    family("container_network_transmit_bytes_total", "Cumulative count of bytes transmitted", (i) => i.txBytes),
    family(
      "container_network_transmit_errors_total",
      "Cumulative count of errors encountered while transmitting",
      (i) => i.txErrors
    )
  ]
}

const otherFamilies = (groups: ReadonlyArray<Group>): ReadonlyArray<Family> => [
  of(groups).gauge(
    "container_processes",
    "Number of processes running inside the container.",
    ({ processes }) => processes
  ),
  of(groups).gauge(
    "container_last_seen",
    "Last time a container was seen by the exporter",
    ({ atMs }) => Math.floor(atMs / 1000)
  ),
  {
    name: "container_start_time_seconds",
    help: "Start time of the container since unix epoch in seconds.",
    type: "gauge",
    samples: groups.map(({ labels, startedAtMs, usage }) => ({
      labels,
      value: Math.floor(startedAtMs / 1000),
      atMs: usage.atMs
    }))
  }
]
