/** From the kubelet's configuration and command line to the settings that the programs read. */
import { Result } from "effect"
import { verificationPolicy } from "../../domain/images/pullVerification.ts"
import { KubeletConfigError } from "../../domain/kubeletConfig/decode.ts"
import type { KubeletConfiguration } from "../../domain/kubeletConfig/defaults.ts"
import { featureGates } from "../../domain/kubeletConfig/featureGates.ts"
import { declaredFeatures } from "../../domain/node/declaredFeatures.ts"
import { isQuantity, valueOfText } from "../../domain/resources/quantity.ts"
import type { AgentSettings } from "../../programs/AgentConfig.ts"
import type { KubeletOptions } from "../kubelet/invocation.ts"
import { kubeletVersion } from "../version.ts"

/** What only the running process knows. */
export interface Surroundings {
  /** The machine's name, as it has it. */
  readonly hostname: string
  /** Of the node's server, as bound. */
  readonly port: number
  /** As the runtime says, where it does; the configuration otherwise (parity A18). */
  readonly cgroupDriver: "cgroupfs" | "systemd" | undefined
}

/** Keeps the scheduler away until the cloud controller has described the node. */
const uninitialized = { key: "node.cloudprovider.kubernetes.io/uninitialized", value: "true", effect: "NoSchedule" }

/** Names of nodes are DNS names: lower case, whatever the machine's name is (parity B2). */
export const nodeNameOf = ({ hostnameOverride }: Pick<KubeletOptions, "hostnameOverride">, hostname: string): string =>
  (hostnameOverride || hostname).trim().toLowerCase()

export const agentSettings = (
  config: KubeletConfiguration,
  options: KubeletOptions,
  { cgroupDriver, hostname, port }: Surroundings
): Result.Result<AgentSettings, KubeletConfigError> => {
  const problems = quantityProblems(config)
  if (problems.length > 0) return Result.fail(new KubeletConfigError({ source: "in effect", problems }))
  const nodeName = nodeNameOf(options, hostname)
  return Result.succeed({
    nodeName,
    hostname: hostname.toLowerCase(),
    rootDir: options.rootDir,
    podLogsDir: config.podLogsDir,
    containerLogsDir: "/var/log/containers",
    standalone: options.kubeconfig === "",
    nodeIps: options.nodeIps,
    nodeLabels: options.nodeLabels,
    registerNode: config.registerNode,
    registerWithTaints: [
      ...config.registerWithTaints.map(({ effect, key, value }) =>
        value === undefined ? { key, effect } : { key, value, effect }
      ),
      ...(options.externalCloud ? [uninitialized] : [])
    ],
    unschedulable: !options.registerSchedulable,
    providerId: config.providerID,
    kubeletVersion,
    port,
    clusterDomain: config.clusterDomain,
    clusterDns: config.clusterDNS,
    resolvConf: config.resolvConf,
    staticPodPath: config.staticPodPath === "" ? undefined : config.staticPodPath,
    staticPodUrl: config.staticPodURL === "" ? undefined : {
      url: config.staticPodURL,
      headers: config.staticPodURLHeader,
      everyMs: config.httpCheckFrequency
    },
    allowedUnsafeSysctls: config.allowedUnsafeSysctls,
    seccompDefault: config.seccompDefault,
    swapBehavior: config.memorySwap.swapBehavior === "LimitedSwap" ? "LimitedSwap" : "NoSwap",
    singleProcessOomKill: config.singleProcessOOMKill ?? false,
    exclusiveCpus: config.cpuManagerPolicy === "static",
    exclusiveMemory: config.memoryManagerPolicy === "Static",
    declaredFeatures: declaredFeatures((gate) => isEnabled(gate, config), config.cpuManagerPolicy === "static"),
    podLevelResources: isEnabled("PodLevelResources", config),
    idsPerUserNamespace: config.userNamespaces.idsPerPod,
    enableControllerAttachDetach: config.enableControllerAttachDetach,
    trustBundles: isEnabled("ClusterTrustBundleProjection", config),
    podCertificates: isEnabled("PodCertificateRequest", config),
    maxDeadPerContainer: options.maximumDeadContainersPerContainer,
    maxDeadContainers: options.maximumDeadContainers,
    minDeadContainerAgeMs: options.minimumContainerTtlMs,
    ...rhythms(config),
    ...limits(config),
    ...images(config),
    cgroupDriver: cgroupDriver ?? (config.cgroupDriver === "systemd" ? "systemd" : "cgroupfs"),
    cgroupRoot: config.cgroupRoot,
    cgroupsPerQos: config.cgroupsPerQOS,
    cpuCfsQuota: config.cpuCFSQuota,
    cpuCfsQuotaPeriodMs: config.cpuCFSQuotaPeriod
  })
}

/** The settings of gates have been checked with the rest of the configuration. */
const isEnabled = (gate: string, config: KubeletConfiguration): boolean =>
  Result.match(featureGates(config.featureGates), { onFailure: () => false, onSuccess: ({ enabled }) => enabled(gate) })

const rhythms = (config: KubeletConfiguration) => ({
  fileCheckFrequencyMs: config.fileCheckFrequency,
  syncFrequencyMs: config.syncFrequency,
  nodeStatusUpdateFrequencyMs: config.nodeStatusUpdateFrequency,
  nodeStatusReportFrequencyMs: config.nodeStatusReportFrequency,
  nodeLeaseDurationMs: config.nodeLeaseDurationSeconds * 1000,
  maxRestartDelayMs: config.crashLoopBackOff.maxContainerRestartPeriod,
  evictionPressureTransitionMs: config.evictionPressureTransitionPeriod,
  eventQps: config.eventRecordQPS,
  eventBurst: config.eventBurst
})

const limits = (config: KubeletConfiguration) => ({
  maxPods: config.maxPods,
  podsPerCore: config.podsPerCore,
  podPidsLimit: config.podPidsLimit,
  nodeStatusMaxImages: config.nodeStatusMaxImages,
  kubeReserved: config.kubeReserved,
  systemReserved: config.systemReserved,
  enforceNodeAllocatable: config.enforceNodeAllocatable,
  systemReservedCgroup: config.systemReservedCgroup,
  kubeReservedCgroup: config.kubeReservedCgroup,
  evictionHard: config.evictionHard,
  containerLogMaxSizeBytes: valueOfText(config.containerLogMaxSize),
  containerLogMaxFiles: config.containerLogMaxFiles,
  containerLogMaxWorkers: config.containerLogMaxWorkers,
  containerLogMonitorIntervalMs: config.containerLogMonitorInterval
})

const images = (config: KubeletConfiguration) => ({
  serializeImagePulls: config.serializeImagePulls,
  maxParallelImagePulls: config.maxParallelImagePulls ?? 0,
  registryPullQps: config.registryPullQPS,
  registryBurst: config.registryBurst,
  imagePullVerification: isEnabled("KubeletEnsureSecretPulledImages", config)
    ? verificationPolicy(config.imagePullCredentialsVerificationPolicy, config.preloadedImagesVerificationAllowlist)
    : undefined,
  imageGcHighPercent: config.imageGCHighThresholdPercent,
  imageGcLowPercent: config.imageGCLowThresholdPercent,
  imageMinimumGcAgeMs: config.imageMinimumGCAge,
  imageMaximumGcAgeMs: config.imageMaximumGCAge
})

const quantityProblems = (config: KubeletConfiguration): ReadonlyArray<string> => {
  const check = (field: string, text: string) =>
    isQuantity(text) ? [] : [`invalid configuration: ${field} "${text}" is no quantity`]
  const reservations = (field: string, reserved: Readonly<Record<string, string>>) =>
    Object.entries(reserved).flatMap(([resource, text]) => check(`${field}.${resource}`, text))
  return [
    ...check("containerLogMaxSize", config.containerLogMaxSize),
    ...reservations("kubeReserved", config.kubeReserved),
    ...reservations("systemReserved", config.systemReserved),
    ...Object.entries(config.evictionHard).flatMap(([signal, text]) =>
      /^\d+(\.\d+)?%$/.test(text) ? [] : check(`evictionHard.${signal}`, text)
    )
  ]
}
