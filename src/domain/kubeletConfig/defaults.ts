/**
 * What the kubelet runs with when a field is absent (parity A4–A8), so that the rest of the agent reads a configuration
 * without holes. As in Go, a zero number, duration or text counts as absent where the format has no way to tell.
 */
import type { KubeletConfigurationFile } from "./file.ts"

type Logging = NonNullable<KubeletConfigurationFile["logging"]>
type LogOutput = NonNullable<NonNullable<Logging["options"]>["text"]>

/** Fields that stay absent when nobody set them: their absence means something of its own. */
type MayBeAbsent = "singleProcessOOMKill" | "maxParallelImagePulls" | "tracing"

/** Fields with fields of their own, all of which have values. */
interface Nested {
  readonly authentication: {
    readonly x509: { readonly clientCAFile: string }
    readonly webhook: { readonly enabled: boolean; readonly cacheTTL: number }
    readonly anonymous: { readonly enabled: boolean }
  }
  readonly authorization: {
    readonly mode: string
    readonly webhook: { readonly cacheAuthorizedTTL: number; readonly cacheUnauthorizedTTL: number }
  }
  readonly logging: {
    readonly format: string
    readonly flushFrequency: number
    readonly verbosity: number
    readonly vmodule: NonNullable<Logging["vmodule"]>
    readonly options: { readonly text: Required<LogOutput>; readonly json: Required<LogOutput> }
  }
  readonly memorySwap: { readonly swapBehavior: string }
  readonly crashLoopBackOff: { readonly maxContainerRestartPeriod: number }
  readonly userNamespaces: { readonly idsPerPod: number }
}

/** A complete configuration. Durations are milliseconds. */
export type KubeletConfiguration =
  & Required<Omit<KubeletConfigurationFile, MayBeAbsent | keyof Nested>>
  & Pick<KubeletConfigurationFile, MayBeAbsent>
  & Nested

const second = 1000
const minute = 60 * second

const defaultEvictionHard = {
  "memory.available": "100Mi",
  "nodefs.available": "10%",
  "nodefs.inodesFree": "5%",
  "imagefs.available": "15%",
  "imagefs.inodesFree": "5%"
}

/** Where the listener stands without a configuration file: as open as kubelets of old (parity A4). */
export const legacyOpen = {
  authentication: { anonymous: { enabled: true }, webhook: { enabled: false } },
  authorization: { mode: "AlwaysAllow" },
  readOnlyPort: 10255
} as const

/** Completes what was set. */
export const withDefaults = (set: KubeletConfigurationFile): KubeletConfiguration => ({
  ...zeroes,
  ...set,
  ...server(set),
  ...loops(set),
  ...resources(set),
  ...images(set),
  ...logs(set),
  enableServer: set.enableServer ?? true,
  registerNode: set.registerNode ?? true,
  containerRuntimeEndpoint: set.containerRuntimeEndpoint || "unix:///run/containerd/containerd.sock",
  contentType: set.contentType || "application/vnd.kubernetes.protobuf",
  kubeAPIQPS: set.kubeAPIQPS ?? 50,
  kubeAPIBurst: set.kubeAPIBurst || 100,
  eventRecordQPS: set.eventRecordQPS ?? 50,
  eventBurst: set.eventBurst || 100,
  resolvConf: set.resolvConf ?? "/etc/resolv.conf",
  hairpinMode: set.hairpinMode || "promiscuous-bridge",
  makeIPTablesUtilChains: set.makeIPTablesUtilChains ?? true,
  iptablesMasqueradeBit: set.iptablesMasqueradeBit ?? 14,
  iptablesDropBit: set.iptablesDropBit ?? 15,
  configMapAndSecretChangeDetectionStrategy: set.configMapAndSecretChangeDetectionStrategy || "Watch",
  enableControllerAttachDetach: set.enableControllerAttachDetach ?? true,
  volumePluginDir: set.volumePluginDir || "/usr/libexec/kubernetes/kubelet-plugins/volume/exec/",
  crashLoopBackOff: {
    maxContainerRestartPeriod: set.crashLoopBackOff?.maxContainerRestartPeriod ?? 300 * second
  },
  userNamespaces: { idsPerPod: set.userNamespaces?.idsPerPod ?? 65_536 },
  seccompDefault: set.seccompDefault ?? false
})

const server = (set: KubeletConfigurationFile) => ({
  address: set.address || "0.0.0.0",
  port: set.port || 10_250,
  healthzPort: set.healthzPort ?? 10_248,
  healthzBindAddress: set.healthzBindAddress || "127.0.0.1",
  enableDebuggingHandlers: set.enableDebuggingHandlers ?? true,
  enableSystemLogHandler: set.enableSystemLogHandler ?? true,
  enableProfilingHandler: set.enableProfilingHandler ?? true,
  enableDebugFlagsHandler: set.enableDebugFlagsHandler ?? true,
  streamingConnectionIdleTimeout: set.streamingConnectionIdleTimeout || 240 * minute,
  authentication: {
    x509: { clientCAFile: set.authentication?.x509?.clientCAFile ?? "" },
    webhook: {
      enabled: set.authentication?.webhook?.enabled ?? true,
      cacheTTL: set.authentication?.webhook?.cacheTTL || 2 * minute
    },
    anonymous: { enabled: set.authentication?.anonymous?.enabled ?? false }
  },
  authorization: {
    mode: set.authorization?.mode || "Webhook",
    webhook: {
      cacheAuthorizedTTL: set.authorization?.webhook?.cacheAuthorizedTTL || 5 * minute,
      cacheUnauthorizedTTL: set.authorization?.webhook?.cacheUnauthorizedTTL || 30 * second
    }
  }
})

const loops = (set: KubeletConfigurationFile) => ({
  syncFrequency: set.syncFrequency || minute,
  fileCheckFrequency: set.fileCheckFrequency || 20 * second,
  httpCheckFrequency: set.httpCheckFrequency || 20 * second,
  nodeStatusUpdateFrequency: set.nodeStatusUpdateFrequency || 10 * second,
  // Who set only the update frequency expects every update to be posted (parity A6).
  nodeStatusReportFrequency: set.nodeStatusReportFrequency || set.nodeStatusUpdateFrequency || 5 * minute,
  nodeLeaseDurationSeconds: set.nodeLeaseDurationSeconds || 40,
  nodeStatusMaxImages: set.nodeStatusMaxImages ?? 50,
  runtimeRequestTimeout: set.runtimeRequestTimeout || 2 * minute,
  volumeStatsAggPeriod: set.volumeStatsAggPeriod || minute,
  cpuManagerReconcilePeriod: set.cpuManagerReconcilePeriod || 10 * second
})

const resources = (set: KubeletConfigurationFile) => ({
  maxPods: set.maxPods || 110,
  podPidsLimit: set.podPidsLimit === undefined || set.podPidsLimit < 0 ? -1 : set.podPidsLimit,
  cpuCFSQuota: set.cpuCFSQuota ?? true,
  cpuCFSQuotaPeriod: set.cpuCFSQuotaPeriod ?? 100,
  cgroupsPerQOS: set.cgroupsPerQOS ?? true,
  cgroupDriver: set.cgroupDriver || "cgroupfs",
  cpuManagerPolicy: set.cpuManagerPolicy || "none",
  memoryManagerPolicy: set.memoryManagerPolicy || "None",
  topologyManagerPolicy: set.topologyManagerPolicy || "none",
  topologyManagerScope: set.topologyManagerScope || "container",
  enforceNodeAllocatable: set.enforceNodeAllocatable ?? ["pods"],
  memoryThrottlingFactor: set.memoryThrottlingFactor ?? 0.9,
  memoryReservationPolicy: set.memoryReservationPolicy || "None",
  failSwapOn: set.failSwapOn ?? true,
  failCgroupV1: set.failCgroupV1 ?? true,
  memorySwap: { swapBehavior: set.memorySwap?.swapBehavior ?? "" },
  oomScoreAdj: set.oomScoreAdj ?? -999,
  maxOpenFiles: set.maxOpenFiles || 1_000_000,
  localStorageCapacityIsolation: set.localStorageCapacityIsolation ?? true,
  evictionPressureTransitionPeriod: set.evictionPressureTransitionPeriod || 5 * minute,
  mergeDefaultEvictionSettings: set.mergeDefaultEvictionSettings ?? false,
  // One threshold of one's own drops all the built-in ones, unless merging is asked for (parity M1).
  evictionHard: set.evictionHard === undefined || set.mergeDefaultEvictionSettings === true
    ? { ...defaultEvictionHard, ...set.evictionHard }
    : set.evictionHard
})

const images = (set: KubeletConfigurationFile) => ({
  registryPullQPS: set.registryPullQPS ?? 5,
  registryBurst: set.registryBurst || 10,
  // Asking for parallel pulls is enough to get them.
  serializeImagePulls: set.serializeImagePulls ?? (set.maxParallelImagePulls ?? 1) < 2,
  imageMinimumGCAge: set.imageMinimumGCAge || 2 * minute,
  imageGCHighThresholdPercent: set.imageGCHighThresholdPercent ?? 85,
  imageGCLowThresholdPercent: set.imageGCLowThresholdPercent ?? 80,
  imagePullCredentialsVerificationPolicy: set.imagePullCredentialsVerificationPolicy || "NeverVerifyPreloadedImages"
})

const logs = (set: KubeletConfigurationFile) => ({
  podLogsDir: set.podLogsDir || "/var/log/pods",
  containerLogMaxSize: set.containerLogMaxSize || "10Mi",
  containerLogMaxFiles: set.containerLogMaxFiles ?? 5,
  containerLogMaxWorkers: set.containerLogMaxWorkers ?? 1,
  containerLogMonitorInterval: set.containerLogMonitorInterval ?? 10 * second,
  logging: {
    format: set.logging?.format || "text",
    flushFrequency: set.logging?.flushFrequency || 5 * second,
    verbosity: set.logging?.verbosity ?? 0,
    vmodule: set.logging?.vmodule ?? [],
    options: {
      text: { splitStream: false, infoBufferSize: "0", ...set.logging?.options?.text },
      json: { splitStream: false, infoBufferSize: "0", ...set.logging?.options?.json }
    }
  }
})

/** Fields whose default is Go's zero value. */
const zeroes = {
  staticPodPath: "",
  staticPodURL: "",
  staticPodURLHeader: {},
  readOnlyPort: 0,
  tlsCertFile: "",
  tlsPrivateKeyFile: "",
  tlsCipherSuites: [],
  tlsCurvePreferences: [],
  tlsMinVersion: "",
  rotateCertificates: false,
  serverTLSBootstrap: false,
  preloadedImagesVerificationAllowlist: [],
  enableContentionProfiling: false,
  clusterDomain: "",
  clusterDNS: [],
  imageMaximumGCAge: 0,
  kubeletCgroups: "",
  systemCgroups: "",
  cgroupRoot: "",
  cpuManagerPolicyOptions: {},
  topologyManagerPolicyOptions: {},
  qosReserved: {},
  podCIDR: "",
  runOnce: false,
  evictionSoft: {},
  evictionSoftGracePeriod: {},
  evictionMaxPodGracePeriod: 0,
  evictionMinimumReclaim: {},
  podsPerCore: 0,
  protectKernelDefaults: false,
  featureGates: {},
  systemReserved: {},
  kubeReserved: {},
  reservedSystemCPUs: "",
  showHiddenMetricsForVersion: "",
  systemReservedCgroup: "",
  kubeReservedCgroup: "",
  allowedUnsafeSysctls: [],
  providerID: "",
  kernelMemcgNotification: false,
  enableSystemLogQuery: false,
  shutdownGracePeriod: 0,
  shutdownGracePeriodCriticalPods: 0,
  shutdownGracePeriodByPodPriority: [],
  reservedMemory: [],
  registerWithTaints: [],
  imageServiceEndpoint: ""
} as const
