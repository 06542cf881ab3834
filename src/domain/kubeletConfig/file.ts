/**
 * The file format `kubelet.config.k8s.io/v1beta1 KubeletConfiguration` of Kubernetes 1.36: all of its fields, all
 * optional, with the types they have on disk. Decoding is strict, so a misspelt field is found; durations become
 * milliseconds. What an absent field means is said in `defaults.ts`.
 */
import { Schema, SchemaTransformation } from "effect"
import { bool, list, numbers, optional, str, stringMap, strings } from "../k8s/fields.ts"
import { GoDuration } from "./goDuration.ts"

export const apiVersion = "kubelet.config.k8s.io/v1beta1"
export const kind = "KubeletConfiguration"

const int = optional(Schema.Int)
const duration = optional(GoDuration)
/** A resource quantity; YAML writes whole numbers without quotes. */
const Quantity = Schema.Union([Schema.String, Schema.Number])

/** How files from before durations were text have them. */
const Nanoseconds = Schema.Number.pipe(
  Schema.decodeTo(
    Schema.Number,
    SchemaTransformation.transform({ decode: (nanos: number) => nanos / 1e6, encode: (millis) => millis * 1e6 })
  )
)

const Authentication = Schema.Struct({
  x509: optional(Schema.Struct({ clientCAFile: str })),
  webhook: optional(Schema.Struct({ enabled: bool, cacheTTL: duration })),
  anonymous: optional(Schema.Struct({ enabled: bool }))
})

const Authorization = Schema.Struct({
  mode: str,
  webhook: optional(Schema.Struct({ cacheAuthorizedTTL: duration, cacheUnauthorizedTTL: duration }))
})

const LogOutput = Schema.Struct({ splitStream: bool, infoBufferSize: optional(Quantity) })
const Logging = Schema.Struct({
  format: str,
  flushFrequency: optional(Schema.Union([GoDuration, Nanoseconds])),
  verbosity: int,
  vmodule: list(Schema.Struct({ filePattern: Schema.String, verbosity: Schema.Int })),
  options: optional(Schema.Struct({ text: optional(LogOutput), json: optional(LogOutput) }))
})

const Taint = Schema.Struct({ key: Schema.String, value: str, effect: Schema.String, timeAdded: str })

/** In the order of the format's own documentation. */
export const KubeletConfigurationFile = Schema.Struct({
  apiVersion: Schema.Literal(apiVersion),
  kind: Schema.Literal(kind),
  enableServer: bool,
  staticPodPath: str,
  podLogsDir: str,
  syncFrequency: duration,
  fileCheckFrequency: duration,
  httpCheckFrequency: duration,
  staticPodURL: str,
  staticPodURLHeader: optional(Schema.Record(Schema.String, Schema.Array(Schema.String))),
  address: str,
  port: int,
  readOnlyPort: int,
  tlsCertFile: str,
  tlsPrivateKeyFile: str,
  tlsCipherSuites: strings,
  tlsCurvePreferences: numbers,
  tlsMinVersion: str,
  rotateCertificates: bool,
  serverTLSBootstrap: bool,
  authentication: optional(Authentication),
  authorization: optional(Authorization),
  registryPullQPS: int,
  registryBurst: int,
  imagePullCredentialsVerificationPolicy: str,
  preloadedImagesVerificationAllowlist: strings,
  eventRecordQPS: int,
  eventBurst: int,
  enableDebuggingHandlers: bool,
  enableContentionProfiling: bool,
  healthzPort: int,
  healthzBindAddress: str,
  oomScoreAdj: int,
  clusterDomain: str,
  clusterDNS: strings,
  streamingConnectionIdleTimeout: duration,
  nodeStatusUpdateFrequency: duration,
  nodeStatusReportFrequency: duration,
  nodeLeaseDurationSeconds: int,
  imageMinimumGCAge: duration,
  imageMaximumGCAge: duration,
  imageGCHighThresholdPercent: int,
  imageGCLowThresholdPercent: int,
  volumeStatsAggPeriod: duration,
  kubeletCgroups: str,
  systemCgroups: str,
  cgroupRoot: str,
  cgroupsPerQOS: bool,
  cgroupDriver: str,
  cpuManagerPolicy: str,
  singleProcessOOMKill: bool,
  cpuManagerPolicyOptions: stringMap,
  cpuManagerReconcilePeriod: duration,
  memoryManagerPolicy: str,
  topologyManagerPolicy: str,
  topologyManagerScope: str,
  topologyManagerPolicyOptions: stringMap,
  qosReserved: stringMap,
  runtimeRequestTimeout: duration,
  hairpinMode: str,
  maxPods: int,
  podCIDR: str,
  podPidsLimit: int,
  resolvConf: str,
  runOnce: bool,
  cpuCFSQuota: bool,
  cpuCFSQuotaPeriod: duration,
  nodeStatusMaxImages: int,
  maxOpenFiles: int,
  contentType: str,
  kubeAPIQPS: int,
  kubeAPIBurst: int,
  serializeImagePulls: bool,
  maxParallelImagePulls: int,
  evictionHard: stringMap,
  evictionSoft: stringMap,
  evictionSoftGracePeriod: stringMap,
  evictionPressureTransitionPeriod: duration,
  evictionMaxPodGracePeriod: int,
  evictionMinimumReclaim: stringMap,
  mergeDefaultEvictionSettings: bool,
  podsPerCore: int,
  enableControllerAttachDetach: bool,
  protectKernelDefaults: bool,
  makeIPTablesUtilChains: bool,
  iptablesMasqueradeBit: int,
  iptablesDropBit: int,
  featureGates: optional(Schema.Record(Schema.String, Schema.Boolean)),
  failSwapOn: bool,
  memorySwap: optional(Schema.Struct({ swapBehavior: str })),
  containerLogMaxSize: str,
  containerLogMaxFiles: int,
  containerLogMaxWorkers: int,
  containerLogMonitorInterval: duration,
  configMapAndSecretChangeDetectionStrategy: str,
  systemReserved: stringMap,
  kubeReserved: stringMap,
  reservedSystemCPUs: str,
  showHiddenMetricsForVersion: str,
  systemReservedCgroup: str,
  kubeReservedCgroup: str,
  enforceNodeAllocatable: strings,
  allowedUnsafeSysctls: strings,
  volumePluginDir: str,
  providerID: str,
  kernelMemcgNotification: bool,
  logging: optional(Logging),
  enableSystemLogHandler: bool,
  enableSystemLogQuery: bool,
  shutdownGracePeriod: duration,
  shutdownGracePeriodCriticalPods: duration,
  shutdownGracePeriodByPodPriority: list(
    Schema.Struct({ priority: Schema.Int, shutdownGracePeriodSeconds: Schema.Int })
  ),
  crashLoopBackOff: optional(Schema.Struct({ maxContainerRestartPeriod: duration })),
  reservedMemory: list(Schema.Struct({ numaNode: Schema.Int, limits: Schema.Record(Schema.String, Quantity) })),
  enableProfilingHandler: bool,
  enableDebugFlagsHandler: bool,
  seccompDefault: bool,
  memoryThrottlingFactor: optional(Schema.Number),
  memoryReservationPolicy: str,
  registerWithTaints: list(Taint),
  registerNode: bool,
  tracing: optional(Schema.Struct({ endpoint: str, samplingRatePerMillion: int })),
  localStorageCapacityIsolation: bool,
  containerRuntimeEndpoint: str,
  imageServiceEndpoint: str,
  failCgroupV1: bool,
  userNamespaces: optional(Schema.Struct({ idsPerPod: int }))
})

/** What a file said, as values. */
export type KubeletConfigurationFile = typeof KubeletConfigurationFile.Type
/** A field of the format, by its name at the top level. */
export type FieldName = Exclude<keyof KubeletConfigurationFile, "apiVersion" | "kind">
