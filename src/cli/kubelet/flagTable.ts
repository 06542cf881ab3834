/**
 * The kubelet's command line of 1.36, one row a flag (parity A9): its type and what it sets, a field of
 * KubeletConfiguration (all of those are deprecated in favour of the file, and all still parse) or an option that only
 * the command line has. Flags that were removed from the kubelet are listed with the release that did it, so that a
 * script of old gets an answer it can use.
 */
import type { FieldName } from "../../domain/kubeletConfig/file.ts"

export type FlagType =
  | "text"
  | "switch"
  | "int"
  | "float"
  | "duration"
  /** `a,b`, repeatable. */
  | "list"
  /** `key=value,key=value`, repeatable. */
  | "map"
  /** `key=true,key=false`. */
  | "switchMap"
  /** `signal<quantity,…`, as eviction thresholds are written. */
  | "thresholds"
  /** `name:value,…`, names may repeat. */
  | "headers"
  /** `key=value:effect,…`. */
  | "taints"
  /** `0:memory=1Gi,hugepages-2Mi=2Gi`, one node each time. */
  | "reservedMemory"
  /** `pattern=level,…`. */
  | "vmodule"

/** Settings that no configuration file has. */
export type OptionName =
  | "config"
  | "configDir"
  | "kubeconfig"
  | "bootstrapKubeconfig"
  | "hostnameOverride"
  | "nodeIp"
  | "certDir"
  | "rootDir"
  | "cloudProvider"
  | "nodeLabels"
  | "lockFile"
  | "exitOnLockContention"
  | "imageCredentialProviderConfig"
  | "imageCredentialProviderBinDir"
  | "runtimeCgroups"
  | "minimumContainerTtl"
  | "maximumDeadContainersPerContainer"
  | "maximumDeadContainers"
  | "registerSchedulable"
  | "networkMode"

export type FlagTarget =
  | { readonly _tag: "Field"; readonly path: readonly [FieldName, ...Array<string>] }
  | { readonly _tag: "Option"; readonly option: OptionName }
  /** Parses and does nothing; `why` says so to who sets it. */
  | { readonly _tag: "Ignored"; readonly why: string }

export interface FlagRow {
  readonly name: string
  readonly type: FlagType
  readonly target: FlagTarget
  readonly help: string
}

const option = (name: string, type: FlagType, to: OptionName, help: string): FlagRow => ({
  name,
  type,
  target: { _tag: "Option", option: to },
  help
})

const field = (name: string, type: FlagType, ...path: readonly [FieldName, ...Array<string>]): FlagRow => ({
  name,
  type,
  target: { _tag: "Field", path },
  help: `configuration field ${path.join(".")}`
})

const ignored = (name: string, type: FlagType, why: string): FlagRow => ({
  name,
  type,
  target: { _tag: "Ignored", why },
  help: `accepted without effect: ${why}`
})

const options: ReadonlyArray<FlagRow> = [
  option("config", "text", "config", "KubeletConfiguration file, YAML or JSON"),
  option("config-dir", "text", "configDir", "folder of drop-ins (*.conf) that are merged over the file"),
  option("kubeconfig", "text", "kubeconfig", "how to reach the API server; without it only static pods run"),
  option(
    "bootstrap-kubeconfig",
    "text",
    "bootstrapKubeconfig",
    "kubeconfig to ask for a client certificate with, when --kubeconfig does not exist yet"
  ),
  option("hostname-override", "text", "hostnameOverride", "name of the node, instead of the machine's hostname"),
  option("node-ip", "text", "nodeIp", "address of the node, or an IPv4 and an IPv6 address with a comma"),
  option("cert-dir", "text", "certDir", "folder of certificates and keys (default: pki in the root folder)"),
  option("root-dir", "text", "rootDir", "folder of the agent's files (default /var/lib/kubelet)"),
  option("cloud-provider", "text", "cloudProvider", "empty, or external: a cloud controller initializes the node"),
  option("node-labels", "map", "nodeLabels", "labels to register the node with, key=value,…"),
  option("lock-file", "text", "lockFile", "file that the agent holds a lock on while it runs"),
  option("exit-on-lock-contention", "switch", "exitOnLockContention", "exit when another process wants the lock"),
  option(
    "image-credential-provider-config",
    "text",
    "imageCredentialProviderConfig",
    "file or folder that says which programs know credentials of registries"
  ),
  option("image-credential-provider-bin-dir", "text", "imageCredentialProviderBinDir", "folder of those programs"),
  option("runtime-cgroups", "text", "runtimeCgroups", "cgroup of the container runtime, for statistics"),
  option("minimum-container-ttl-duration", "duration", "minimumContainerTtl", "age before a dead container is removed"),
  option(
    "maximum-dead-containers-per-container",
    "int",
    "maximumDeadContainersPerContainer",
    "dead instances to keep of a container"
  ),
  option(
    "maximum-dead-containers",
    "int",
    "maximumDeadContainers",
    "dead containers to keep on the node; below 0: all"
  ),
  option("register-schedulable", "switch", "registerSchedulable", "false registers the node as unschedulable"),
  // Ours: the kubelet has no such choice.
  option("network-mode", "text", "networkMode", "who runs the network plugins of pods: runtime (default) or agent")
]

const server: ReadonlyArray<FlagRow> = [
  field("enable-server", "switch", "enableServer"),
  field("address", "text", "address"),
  field("port", "int", "port"),
  field("read-only-port", "int", "readOnlyPort"),
  field("healthz-bind-address", "text", "healthzBindAddress"),
  field("healthz-port", "int", "healthzPort"),
  field("enable-debugging-handlers", "switch", "enableDebuggingHandlers"),
  field("contention-profiling", "switch", "enableContentionProfiling"),
  field("streaming-connection-idle-timeout", "duration", "streamingConnectionIdleTimeout"),
  field("anonymous-auth", "switch", "authentication", "anonymous", "enabled"),
  field("authentication-token-webhook", "switch", "authentication", "webhook", "enabled"),
  field("authentication-token-webhook-cache-ttl", "duration", "authentication", "webhook", "cacheTTL"),
  field("client-ca-file", "text", "authentication", "x509", "clientCAFile"),
  field("authorization-mode", "text", "authorization", "mode"),
  field("authorization-webhook-cache-authorized-ttl", "duration", "authorization", "webhook", "cacheAuthorizedTTL"),
  field("authorization-webhook-cache-unauthorized-ttl", "duration", "authorization", "webhook", "cacheUnauthorizedTTL"),
  field("tls-cert-file", "text", "tlsCertFile"),
  field("tls-private-key-file", "text", "tlsPrivateKeyFile"),
  field("tls-cipher-suites", "list", "tlsCipherSuites"),
  field("tls-min-version", "text", "tlsMinVersion"),
  field("rotate-certificates", "switch", "rotateCertificates"),
  field("rotate-server-certificates", "switch", "serverTLSBootstrap"),
  field("show-hidden-metrics-for-version", "text", "showHiddenMetricsForVersion")
]

const api: ReadonlyArray<FlagRow> = [
  field("kube-api-qps", "int", "kubeAPIQPS"),
  field("kube-api-burst", "int", "kubeAPIBurst"),
  field("kube-api-content-type", "text", "contentType"),
  field("event-qps", "int", "eventRecordQPS"),
  field("event-burst", "int", "eventBurst"),
  field("register-node", "switch", "registerNode"),
  field("register-with-taints", "taints", "registerWithTaints"),
  field("provider-id", "text", "providerID"),
  field("node-status-update-frequency", "duration", "nodeStatusUpdateFrequency"),
  field("node-status-max-images", "int", "nodeStatusMaxImages"),
  field("enable-controller-attach-detach", "switch", "enableControllerAttachDetach"),
  field("feature-gates", "switchMap", "featureGates")
]

const pods: ReadonlyArray<FlagRow> = [
  field("pod-manifest-path", "text", "staticPodPath"),
  field("manifest-url", "text", "staticPodURL"),
  field("manifest-url-header", "headers", "staticPodURLHeader"),
  field("sync-frequency", "duration", "syncFrequency"),
  field("file-check-frequency", "duration", "fileCheckFrequency"),
  field("http-check-frequency", "duration", "httpCheckFrequency"),
  field("max-pods", "int", "maxPods"),
  field("pods-per-core", "int", "podsPerCore"),
  field("pod-max-pids", "int", "podPidsLimit"),
  field("pod-cidr", "text", "podCIDR"),
  field("cluster-domain", "text", "clusterDomain"),
  field("cluster-dns", "list", "clusterDNS"),
  field("resolv-conf", "text", "resolvConf"),
  field("hairpin-mode", "text", "hairpinMode"),
  field("allowed-unsafe-sysctls", "list", "allowedUnsafeSysctls"),
  field("seccomp-default", "switch", "seccompDefault"),
  field("volume-plugin-dir", "text", "volumePluginDir"),
  field("volume-stats-agg-period", "duration", "volumeStatsAggPeriod"),
  field("runonce", "switch", "runOnce"),
  field("make-iptables-util-chains", "switch", "makeIPTablesUtilChains"),
  field("iptables-masquerade-bit", "int", "iptablesMasqueradeBit"),
  field("iptables-drop-bit", "int", "iptablesDropBit")
]

const runtime: ReadonlyArray<FlagRow> = [
  field("container-runtime-endpoint", "text", "containerRuntimeEndpoint"),
  field("image-service-endpoint", "text", "imageServiceEndpoint"),
  field("runtime-request-timeout", "duration", "runtimeRequestTimeout"),
  field("serialize-image-pulls", "switch", "serializeImagePulls"),
  field("registry-qps", "int", "registryPullQPS"),
  field("registry-burst", "int", "registryBurst"),
  field("minimum-image-ttl-duration", "duration", "imageMinimumGCAge"),
  field("image-gc-high-threshold", "int", "imageGCHighThresholdPercent"),
  field("image-gc-low-threshold", "int", "imageGCLowThresholdPercent"),
  field("container-log-max-size", "text", "containerLogMaxSize"),
  field("container-log-max-files", "int", "containerLogMaxFiles")
]

const resources: ReadonlyArray<FlagRow> = [
  field("kubelet-cgroups", "text", "kubeletCgroups"),
  field("system-cgroups", "text", "systemCgroups"),
  field("cgroup-root", "text", "cgroupRoot"),
  field("cgroup-driver", "text", "cgroupDriver"),
  field("cgroups-per-qos", "switch", "cgroupsPerQOS"),
  field("cpu-cfs-quota", "switch", "cpuCFSQuota"),
  field("cpu-cfs-quota-period", "duration", "cpuCFSQuotaPeriod"),
  field("cpu-manager-policy", "text", "cpuManagerPolicy"),
  field("cpu-manager-policy-options", "map", "cpuManagerPolicyOptions"),
  field("cpu-manager-reconcile-period", "duration", "cpuManagerReconcilePeriod"),
  field("memory-manager-policy", "text", "memoryManagerPolicy"),
  field("reserved-memory", "reservedMemory", "reservedMemory"),
  field("topology-manager-policy", "text", "topologyManagerPolicy"),
  field("topology-manager-scope", "text", "topologyManagerScope"),
  field("topology-manager-policy-options", "map", "topologyManagerPolicyOptions"),
  field("qos-reserved", "map", "qosReserved"),
  field("system-reserved", "map", "systemReserved"),
  field("kube-reserved", "map", "kubeReserved"),
  field("system-reserved-cgroup", "text", "systemReservedCgroup"),
  field("kube-reserved-cgroup", "text", "kubeReservedCgroup"),
  field("reserved-cpus", "text", "reservedSystemCPUs"),
  field("enforce-node-allocatable", "list", "enforceNodeAllocatable"),
  field("eviction-hard", "thresholds", "evictionHard"),
  field("eviction-soft", "thresholds", "evictionSoft"),
  field("eviction-soft-grace-period", "map", "evictionSoftGracePeriod"),
  field("eviction-pressure-transition-period", "duration", "evictionPressureTransitionPeriod"),
  field("eviction-max-pod-grace-period", "int", "evictionMaxPodGracePeriod"),
  field("eviction-minimum-reclaim", "map", "evictionMinimumReclaim"),
  field("kernel-memcg-notification", "switch", "kernelMemcgNotification"),
  field("local-storage-capacity-isolation", "switch", "localStorageCapacityIsolation"),
  field("fail-swap-on", "switch", "failSwapOn"),
  field("protect-kernel-defaults", "switch", "protectKernelDefaults"),
  field("oom-score-adj", "int", "oomScoreAdj"),
  field("max-open-files", "int", "maxOpenFiles")
]

const logging: ReadonlyArray<FlagRow> = [
  field("v", "int", "logging", "verbosity"),
  field("vmodule", "vmodule", "logging", "vmodule"),
  field("logging-format", "text", "logging", "format"),
  field("log-flush-frequency", "duration", "logging", "flushFrequency"),
  field("log-json-split-stream", "switch", "logging", "options", "json", "splitStream"),
  field("log-json-info-buffer-size", "text", "logging", "options", "json", "infoBufferSize"),
  field("log-text-split-stream", "switch", "logging", "options", "text", "splitStream"),
  field("log-text-info-buffer-size", "text", "logging", "options", "text", "infoBufferSize")
]

const noCadvisor = "container statistics do not come from cAdvisor"
const cadvisor: ReadonlyArray<FlagRow> = [
  ignored("application-metrics-count-limit", "int", noCadvisor),
  ignored("boot-id-file", "text", noCadvisor),
  ignored("container-hints", "text", noCadvisor),
  ignored("containerd", "text", noCadvisor),
  ignored("containerd-namespace", "text", noCadvisor),
  ignored("enable-load-reader", "switch", noCadvisor),
  ignored("event-storage-age-limit", "text", noCadvisor),
  ignored("event-storage-event-limit", "text", noCadvisor),
  ignored("global-housekeeping-interval", "duration", noCadvisor),
  ignored("housekeeping-interval", "duration", noCadvisor),
  ignored("log-cadvisor-usage", "switch", noCadvisor),
  ignored("machine-id-file", "text", noCadvisor),
  ignored("storage-driver-buffer-duration", "duration", noCadvisor),
  ignored("storage-driver-db", "text", noCadvisor),
  ignored("storage-driver-host", "text", noCadvisor),
  ignored("storage-driver-password", "text", noCadvisor),
  ignored("storage-driver-secure", "switch", noCadvisor),
  ignored("storage-driver-table", "text", noCadvisor),
  ignored("storage-driver-user", "text", noCadvisor),
  ignored("experimental-allocatable-ignore-eviction", "switch", "eviction thresholds always count"),
  ignored("experimental-mounter-path", "text", "volumes are mounted by the agent itself")
]

/** Every flag of the kubelet, `--help` and `--version` apart. */
export const kubeletFlags: ReadonlyArray<FlagRow> = [
  ...options,
  ...server,
  ...api,
  ...pods,
  ...runtime,
  ...resources,
  ...logging,
  ...cadvisor
]

/** Options that are accepted and do nothing here, with what it is that they do not do. */
export const optionsWithoutEffect: Partial<Record<OptionName, string>> = {
  runtimeCgroups: "the runtime has no statistics of its own"
}

/** Flags the kubelet once had, by the release that removed them (parity A20). */
export const removedFlags: ReadonlyMap<string, string> = new Map([
  ["allow-privileged", "1.15"],
  ["cadvisor-port", "1.12"],
  ["docker-endpoint", "1.24"],
  ["cni-bin-dir", "1.24"],
  ["cni-cache-dir", "1.24"],
  ["cni-conf-dir", "1.24"],
  ["dynamic-config-dir", "1.26"],
  ["image-pull-progress-deadline", "1.24"],
  ["network-plugin", "1.24"],
  ["network-plugin-mtu", "1.24"],
  ["non-masquerade-cidr", "1.24"],
  ["redirect-container-streaming", "1.20"],
  ["experimental-bootstrap-kubeconfig", "1.13"],
  ["experimental-dockershim-root-directory", "1.24"],
  ["experimental-kernel-memcg-notification", "1.24"],
  ["experimental-check-node-capabilities-before-mount", "1.24"],
  ["seccomp-profile-root", "1.23"],
  ["chaos-chance", "1.23"],
  ["really-crash-for-testing", "1.23"],
  ["add-dir-header", "1.26"],
  ["alsologtostderr", "1.26"],
  ["log-backtrace-at", "1.26"],
  ["log-dir", "1.26"],
  ["log-file", "1.26"],
  ["log-file-max-size", "1.26"],
  ["logtostderr", "1.26"],
  ["one-output", "1.26"],
  ["skip-headers", "1.26"],
  ["skip-log-headers", "1.26"],
  ["stderrthreshold", "1.26"],
  ["container-runtime", "1.27"],
  ["master-service-namespace", "1.28"],
  ["azure-container-registry-config", "1.30"],
  ["cloud-config", "1.31"],
  ["keep-terminated-pod-volumes", "1.31"],
  ["pod-infra-container-image", "1.35"]
])
