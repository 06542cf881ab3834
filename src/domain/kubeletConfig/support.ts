/**
 * Fields of the configuration that are accepted and do nothing here, and what it is that they do not do. All others are
 * implemented. One warning names those that were set, so that nobody believes in a setting that has no effect.
 */
import type { FieldName } from "./file.ts"

const noProfiler = "there is no Go profiler in this process"
const noManagers = "containers are not pinned to CPUs or NUMA nodes"
const noShutdown = "pods are not ended in order when the machine shuts down"
const noEviction = "pods are not evicted when the node runs short"
const noMemoryQos = "memory of pods is neither throttled nor reserved by QoS class"
const noIptables = "iptables are the business of the network plugins and kube-proxy"

/** By field: what setting it does not do. */
export const withoutEffect: Partial<Record<FieldName, string>> = {
  enableContentionProfiling: noProfiler,
  enableProfilingHandler: noProfiler,
  enableDebugFlagsHandler: "log verbosity cannot be changed over HTTP",
  streamingConnectionIdleTimeout: "idle sessions stay open, as with the kubelet since 1.36",
  syncFrequency: "pods are looked at when something changes, whenever that is",
  volumeStatsAggPeriod: "space in volumes is measured when it is asked for",
  kubeletCgroups: "the agent stays in the cgroup it was started in",
  systemCgroups: "processes of the system are not moved",
  cpuManagerPolicy: noManagers,
  cpuManagerPolicyOptions: noManagers,
  cpuManagerReconcilePeriod: noManagers,
  memoryManagerPolicy: noManagers,
  topologyManagerPolicy: noManagers,
  topologyManagerScope: noManagers,
  topologyManagerPolicyOptions: noManagers,
  reservedMemory: noManagers,
  reservedSystemCPUs: noManagers,
  qosReserved: "requests are not reserved by QoS class",
  hairpinMode: noIptables,
  makeIPTablesUtilChains: noIptables,
  iptablesMasqueradeBit: noIptables,
  iptablesDropBit: noIptables,
  contentType: "the API server is spoken to in JSON",
  configMapAndSecretChangeDetectionStrategy: "Secrets and ConfigMaps are always watched",
  showHiddenMetricsForVersion: "no metric is hidden",
  volumePluginDir: "Flexvolume drivers are not supported; use CSI",
  enableSystemLogQuery: "/logs answers no queries",
  shutdownGracePeriod: noShutdown,
  shutdownGracePeriodCriticalPods: noShutdown,
  shutdownGracePeriodByPodPriority: noShutdown,
  kernelMemcgNotification: noEviction,
  evictionSoft: noEviction,
  evictionSoftGracePeriod: noEviction,
  evictionMaxPodGracePeriod: noEviction,
  evictionMinimumReclaim: noEviction,
  localStorageCapacityIsolation: noEviction,
  memoryThrottlingFactor: noMemoryQos,
  memoryReservationPolicy: noMemoryQos
}

/** The one warning about these fields; undefined when all of them have an effect. */
export const supportWarning = (set: ReadonlySet<FieldName>): string | undefined => {
  const idle = [...set].flatMap((field) => {
    const why = withoutEffect[field]
    return why === undefined ? [] : [`${field} (${why})`]
  })
  return idle.length === 0 ? undefined : `settings without effect: ${idle.sort().join("; ")}`
}
