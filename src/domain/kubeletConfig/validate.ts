/** What a complete configuration may not say (parity A8): every problem is found, each names field, flag and value. */
import { allowlistProblem } from "../images/pullVerification.ts"
import type { KubeletConfiguration } from "./defaults.ts"
import type { FeatureGates } from "./featureGates.ts"
import { formatGoDuration } from "./goDuration.ts"

type Problems = ReadonlyArray<string>

/** Empty when the kubelet can run with it. */
export const validate = (config: KubeletConfiguration, gates: FeatureGates): Problems => [
  ...ranges(config),
  ...images(config, gates),
  ...policies(config, gates),
  ...allocatable(config),
  ...shutdown(config, gates),
  ...logs(config),
  ...tracing(config),
  ...taints(config)
]

const when = (wrong: boolean, problem: string): Problems => wrong ? [`invalid configuration: ${problem}`] : []

const between = (value: number, low: number, high: number, name: string): Problems =>
  when(value < low || value > high, `${name} ${value} must be between ${low} and ${high}, inclusive`)

const notNegative = (value: number, name: string): Problems => when(value < 0, `${name} ${value} must not be negative`)

const oneOf = (value: string, allowed: ReadonlyArray<string>, name: string): Problems =>
  when(
    !allowed.includes(value),
    `${name} "${value}" must be one of: ${allowed.map((option) => `"${option}"`).join(", ")}`
  )

const ranges = (c: KubeletConfiguration): Problems => [
  ...between(c.port, 1, 65_535, "port (--port)"),
  ...between(c.readOnlyPort, 0, 65_535, "readOnlyPort (--read-only-port)"),
  ...between(c.healthzPort, 0, 65_535, "healthzPort (--healthz-port)"),
  ...between(c.oomScoreAdj, -1000, 1000, "oomScoreAdj (--oom-score-adj)"),
  ...between(c.iptablesDropBit, 0, 31, "iptablesDropBit (--iptables-drop-bit)"),
  ...between(c.iptablesMasqueradeBit, 0, 31, "iptablesMasqueradeBit (--iptables-masquerade-bit)"),
  ...between(c.cpuCFSQuotaPeriod, 1, 1000, "cpuCFSQuotaPeriod (--cpu-cfs-quota-period) in ms"),
  ...when(c.nodeLeaseDurationSeconds <= 0, "nodeLeaseDurationSeconds must be greater than 0"),
  ...when(
    c.nodeStatusMaxImages < -1,
    `nodeStatusMaxImages (--node-status-max-images) ${c.nodeStatusMaxImages} must be -1 or greater`
  ),
  ...notNegative(c.eventBurst, "eventBurst (--event-burst)"),
  ...notNegative(c.eventRecordQPS, "eventRecordQPS (--event-qps)"),
  ...notNegative(c.kubeAPIBurst, "kubeAPIBurst (--kube-api-burst)"),
  ...notNegative(c.kubeAPIQPS, "kubeAPIQPS (--kube-api-qps)"),
  ...notNegative(c.maxOpenFiles, "maxOpenFiles (--max-open-files)"),
  ...notNegative(c.maxPods, "maxPods (--max-pods)"),
  ...notNegative(c.podsPerCore, "podsPerCore (--pods-per-core)"),
  ...when(c.runOnce, "runOnce (--runonce) must not be set: the mode is gone"),
  ...when(
    c.systemCgroups !== "" && c.cgroupRoot === "",
    "systemCgroups (--system-cgroups) needs cgroupRoot (--cgroup-root)"
  ),
  ...when(
    c.containerRuntimeEndpoint === "",
    "containerRuntimeEndpoint (--container-runtime-endpoint) must not be empty"
  ),
  ...when(
    c.crashLoopBackOff.maxContainerRestartPeriod < 1000 || c.crashLoopBackOff.maxContainerRestartPeriod > 300_000,
    `crashLoopBackOff.maxContainerRestartPeriod ${
      formatGoDuration(c.crashLoopBackOff.maxContainerRestartPeriod)
    } must be between 1s and 300s`
  ),
  ...when(
    c.memoryThrottlingFactor <= 0 || c.memoryThrottlingFactor > 1,
    `memoryThrottlingFactor ${c.memoryThrottlingFactor} must be greater than 0 and at most 1.0`
  )
]

const images = (c: KubeletConfiguration, gates: FeatureGates): Problems => {
  const policies = ["NeverVerify", "NeverVerifyPreloadedImages", "NeverVerifyAllowlistedImages", "AlwaysVerify"]
  const low = c.imageGCLowThresholdPercent
  const high = c.imageGCHighThresholdPercent
  return [
    ...between(high, 0, 100, "imageGCHighThresholdPercent (--image-gc-high-threshold)"),
    ...between(low, 0, 100, "imageGCLowThresholdPercent (--image-gc-low-threshold)"),
    ...when(
      low >= high,
      `imageGCLowThresholdPercent (--image-gc-low-threshold) ${low} must be less than imageGCHighThresholdPercent (--image-gc-high-threshold) ${high}`
    ),
    ...notNegative(c.imageMinimumGCAge, "imageMinimumGCAge"),
    ...notNegative(c.imageMaximumGCAge, "imageMaximumGCAge"),
    ...when(
      c.imageMaximumGCAge > 0 && c.imageMaximumGCAge <= c.imageMinimumGCAge,
      `imageMaximumGCAge ${formatGoDuration(c.imageMaximumGCAge)} must be greater than imageMinimumGCAge ${
        formatGoDuration(c.imageMinimumGCAge)
      }`
    ),
    ...notNegative(c.registryBurst, "registryBurst (--registry-burst)"),
    ...notNegative(c.registryPullQPS, "registryPullQPS (--registry-qps)"),
    ...when(
      (c.maxParallelImagePulls ?? 1) < 1,
      `maxParallelImagePulls ${c.maxParallelImagePulls} must be a positive number`
    ),
    ...when(
      c.serializeImagePulls && (c.maxParallelImagePulls ?? 1) > 1,
      "maxParallelImagePulls cannot be larger than 1 unless serializeImagePulls (--serialize-image-pulls) is false"
    ),
    ...(gates.enabled("KubeletEnsureSecretPulledImages")
      ? oneOf(c.imagePullCredentialsVerificationPolicy, policies, "imagePullCredentialsVerificationPolicy")
      : []),
    ...when(
      c.preloadedImagesVerificationAllowlist.length > 0 &&
        c.imagePullCredentialsVerificationPolicy !== "NeverVerifyAllowlistedImages",
      "preloadedImagesVerificationAllowlist needs imagePullCredentialsVerificationPolicy \"NeverVerifyAllowlistedImages\""
    ),
    ...c.preloadedImagesVerificationAllowlist.flatMap((pattern) => {
      const problem = allowlistProblem(pattern)
      return problem === undefined ? [] : [`preloadedImagesVerificationAllowlist: ${problem}`]
    })
  ]
}

const policies = (c: KubeletConfiguration, gates: FeatureGates): Problems => [
  ...oneOf(c.authorization.mode, ["AlwaysAllow", "Webhook"], "authorization.mode (--authorization-mode)"),
  ...oneOf(c.cgroupDriver, ["cgroupfs", "systemd"], "cgroupDriver (--cgroup-driver)"),
  ...oneOf(c.cpuManagerPolicy, ["none", "static"], "cpuManagerPolicy (--cpu-manager-policy)"),
  ...oneOf(c.memoryManagerPolicy, ["None", "Static"], "memoryManagerPolicy (--memory-manager-policy)"),
  ...oneOf(
    c.topologyManagerPolicy,
    ["none", "best-effort", "restricted", "single-numa-node"],
    "topologyManagerPolicy (--topology-manager-policy)"
  ),
  ...oneOf(c.topologyManagerScope, ["container", "pod"], "topologyManagerScope (--topology-manager-scope)"),
  ...oneOf(c.hairpinMode, ["promiscuous-bridge", "hairpin-veth", "none"], "hairpinMode (--hairpin-mode)"),
  ...oneOf(c.memorySwap.swapBehavior, ["", "NoSwap", "LimitedSwap"], "memorySwap.swapBehavior"),
  ...oneOf(
    c.configMapAndSecretChangeDetectionStrategy,
    ["Get", "Cache", "Watch"],
    "configMapAndSecretChangeDetectionStrategy"
  ),
  ...oneOf(c.memoryReservationPolicy, ["None", "TieredReservation"], "memoryReservationPolicy"),
  ...oneOf(
    c.tlsMinVersion,
    ["", "VersionTLS10", "VersionTLS11", "VersionTLS12", "VersionTLS13"],
    "tlsMinVersion (--tls-min-version)"
  ),
  ...oneOf(c.logging.format, ["text", "json"], "logging.format (--logging-format)"),
  ...needsGate(c.memoryReservationPolicy === "TieredReservation", "memoryReservationPolicy", "MemoryQoS", gates),
  ...needsGate(c.enableSystemLogQuery, "enableSystemLogQuery", "NodeLogQuery", gates),
  ...when(
    c.enableSystemLogQuery && !c.enableSystemLogHandler,
    "enableSystemLogQuery needs enableSystemLogHandler"
  ),
  ...needsGate(c.serverTLSBootstrap, "serverTLSBootstrap", "RotateKubeletServerCertificate", gates),
  ...needsGate(Object.keys(c.qosReserved).length > 0, "qosReserved (--qos-reserved)", "QOSReserved", gates)
]

const needsGate = (used: boolean, field: string, gate: string, gates: FeatureGates): Problems =>
  when(used && !gates.enabled(gate), `${field} requires feature gate ${gate}`)

const enforcements = [
  "pods",
  "system-reserved",
  "system-reserved-compressible",
  "kube-reserved",
  "kube-reserved-compressible",
  "none"
]

const allocatable = (c: KubeletConfiguration): Problems => {
  const chosen = c.enforceNodeAllocatable
  const field = "enforceNodeAllocatable (--enforce-node-allocatable)"
  const wants = (prefix: string) => chosen.some((key) => key.startsWith(prefix))
  const both = (key: string) =>
    when(
      chosen.includes(key) && chosen.includes(`${key}-compressible`),
      `${field} cannot have both "${key}" and "${key}-compressible"`
    )
  return [
    ...chosen.flatMap((key) => oneOf(key, enforcements, field)),
    ...when(new Set(chosen).size < chosen.length, `${field} names one option twice`),
    ...when(chosen.includes("none") && chosen.length > 1, `${field} may not have other options beside "none"`),
    ...both("system-reserved"),
    ...both("kube-reserved"),
    ...when(
      wants("system-reserved") && c.systemReservedCgroup === "",
      `${field} with "system-reserved" needs systemReservedCgroup (--system-reserved-cgroup)`
    ),
    ...when(
      wants("kube-reserved") && c.kubeReservedCgroup === "",
      `${field} with "kube-reserved" needs kubeReservedCgroup (--kube-reserved-cgroup)`
    ),
    ...when(
      !c.cgroupsPerQOS && chosen.some((key) => key !== "none"),
      `${field} needs cgroupsPerQOS (--cgroups-per-qos) to be true`
    ),
    ...when(
      c.reservedSystemCPUs !== "" && (c.systemReservedCgroup !== "" || c.kubeReservedCgroup !== ""),
      "reservedSystemCPUs (--reserved-cpus) cannot go with systemReservedCgroup (--system-reserved-cgroup) or kubeReservedCgroup (--kube-reserved-cgroup)"
    ),
    ...when(
      c.reservedSystemCPUs !== "" && !/^\d+(-\d+)?(,\d+(-\d+)?)*$/.test(c.reservedSystemCPUs),
      `reservedSystemCPUs (--reserved-cpus) "${c.reservedSystemCPUs}" is no list of CPUs`
    )
  ]
}

const shutdown = (c: KubeletConfiguration, gates: FeatureGates): Problems => {
  const used = c.shutdownGracePeriod > 0 || c.shutdownGracePeriodCriticalPods > 0
  const short = (millis: number) => millis < 0 || (millis > 0 && millis < 1000)
  const total = formatGoDuration(c.shutdownGracePeriod)
  const critical = formatGoDuration(c.shutdownGracePeriodCriticalPods)
  const byPriority = c.shutdownGracePeriodByPodPriority.length > 0
  return [
    ...when(
      c.shutdownGracePeriodCriticalPods > c.shutdownGracePeriod,
      `shutdownGracePeriodCriticalPods ${critical} must be <= shutdownGracePeriod ${total}`
    ),
    ...when(short(c.shutdownGracePeriod), `shutdownGracePeriod ${total} must be either zero or otherwise >= 1 sec`),
    ...when(
      short(c.shutdownGracePeriodCriticalPods),
      `shutdownGracePeriodCriticalPods ${critical} must be either zero or otherwise >= 1 sec`
    ),
    ...needsGate(used, "shutdownGracePeriod or shutdownGracePeriodCriticalPods", "GracefulNodeShutdown", gates),
    ...needsGate(byPriority, "shutdownGracePeriodByPodPriority", "GracefulNodeShutdownBasedOnPodPriority", gates),
    ...when(byPriority && used, "shutdownGracePeriodByPodPriority and shutdownGracePeriod cannot both be set")
  ]
}

const logs = (c: KubeletConfiguration): Problems => [
  ...when(c.containerLogMaxWorkers < 1, "containerLogMaxWorkers must be greater than or equal to 1"),
  ...when(c.containerLogMonitorInterval < 3000, "containerLogMonitorInterval must be at least 3s"),
  ...when(c.containerLogMaxFiles <= 1, "containerLogMaxFiles (--container-log-max-files) must be greater than 1"),
  ...when(!c.podLogsDir.startsWith("/"), `podLogsDir "${c.podLogsDir}" must be an absolute path`),
  ...when(!isClean(c.podLogsDir), `podLogsDir "${c.podLogsDir}" must be normalized`),
  ...when(/[\u{80}-\u{10ffff}]/u.test(c.podLogsDir), `podLogsDir "${c.podLogsDir}" must contain ASCII characters only`)
]

/** As the kubelet: rates in a million, addresses as gRPC names them. */
const tracing = ({ tracing: { endpoint = "", samplingRatePerMillion = 0 } = {} }: KubeletConfiguration): Problems => {
  const scheme = /^([^/]*)\/\//.exec(endpoint)?.[1]?.replace(/:$/, "")
  return [
    ...between(samplingRatePerMillion, 0, 1_000_000, "tracing.samplingRatePerMillion"),
    ...when(
      scheme !== undefined && !["dns", "unix"].includes(scheme),
      `tracing.endpoint "${endpoint}" has the unsupported scheme "${scheme}": options are none, dns and unix`
    )
  ]
}

/** As Go's filepath.Clean would leave it. */
const isClean = (path: string): boolean =>
  path === "/" ||
  (!path.endsWith("/") && path.split("/").slice(1).every((part) => part !== "" && part !== "." && part !== ".."))

const effects = ["NoSchedule", "PreferNoSchedule", "NoExecute"]

const taints = (c: KubeletConfiguration): Problems =>
  c.registerWithTaints.flatMap((taint) => [
    ...oneOf(taint.effect, effects, `registerWithTaints (--register-with-taints) effect of "${taint.key}"`),
    ...when(taint.key === "", "registerWithTaints (--register-with-taints) has a taint without a key"),
    ...when(taint.timeAdded !== undefined, `registerWithTaints (--register-with-taints) "${taint.key}" has timeAdded`)
  ])
