/** The settings the programs read: what `KubeletConfiguration`, flags and the host decided, as plain values. */
import { Context } from "effect"
import type { VerificationPolicy } from "../domain/images/pullVerification.ts"

/** A URL, what to send along, and how often. */
export interface ManifestPlace {
  readonly url: string
  readonly headers: Readonly<Record<string, ReadonlyArray<string>>>
  readonly everyMs: number
}

/** Times are milliseconds. */
export interface AgentSettings {
  readonly nodeName: string
  /** The machine's own name, for `kubernetes.io/hostname`. */
  readonly hostname: string
  readonly rootDir: string
  readonly podLogsDir: string
  /** Folder of the legacy links `<pod>_<namespace>_<container>-<id>.log` (parity D15). */
  readonly containerLogsDir: string
  /** Without an API server: static pods only, nothing is posted (parity A10). */
  readonly standalone: boolean
  readonly nodeIps: ReadonlyArray<string>
  readonly nodeLabels: Readonly<Record<string, string>>
  readonly registerNode: boolean
  readonly registerWithTaints: ReadonlyArray<{ readonly key: string; readonly value?: string; readonly effect: string }>
  readonly unschedulable: boolean
  readonly providerId: string
  readonly kubeletVersion: string
  /** Port of the node's HTTPS server, as published in `daemonEndpoints`. */
  readonly port: number
  readonly maxPods: number
  readonly podsPerCore: number
  readonly podPidsLimit: number
  readonly clusterDomain: string
  readonly clusterDns: ReadonlyArray<string>
  readonly resolvConf: string
  readonly staticPodPath: string | undefined
  /** Where a web server has static pods, and how it is asked; undefined without one. */
  readonly staticPodUrl: ManifestPlace | undefined
  readonly fileCheckFrequencyMs: number
  readonly syncFrequencyMs: number
  readonly nodeStatusUpdateFrequencyMs: number
  readonly nodeStatusReportFrequencyMs: number
  readonly nodeLeaseDurationMs: number
  readonly nodeStatusMaxImages: number
  readonly maxRestartDelayMs: number
  readonly serializeImagePulls: boolean
  /** 0: no limit. */
  readonly maxParallelImagePulls: number
  readonly registryPullQps: number
  readonly registryBurst: number
  /** Which pods must show that they may pull an image that is there; undefined with the gate off (parity N7). */
  readonly imagePullVerification: VerificationPolicy | undefined
  readonly eventQps: number
  readonly eventBurst: number
  readonly cgroupDriver: "cgroupfs" | "systemd"
  readonly cgroupRoot: string
  readonly cgroupsPerQos: boolean
  readonly cpuCfsQuota: boolean
  readonly cpuCfsQuotaPeriodMs: number
  readonly seccompDefault: boolean
  readonly swapBehavior: "NoSwap" | "LimitedSwap"
  readonly singleProcessOomKill: boolean
  /** Guaranteed containers hold CPUs or memory of their own: the static policies of the resource managers. */
  readonly exclusiveCpus: boolean
  readonly exclusiveMemory: boolean
  /** What `status.declaredFeatures` tells; undefined with the gate off. */
  readonly declaredFeatures: ReadonlyArray<string> | undefined
  /** Pods may set resources for themselves as a whole. */
  readonly podLevelResources: boolean
  /** Ids that a pod with a user namespace of its own gets. */
  readonly idsPerUserNamespace: number
  readonly enableControllerAttachDetach: boolean
  /** Volumes may show the cluster's trust bundles (ClusterTrustBundleProjection, parity I8). */
  readonly trustBundles: boolean
  /** Volumes may show certificates of the pod's own (PodCertificateRequest, parity I9). */
  readonly podCertificates: boolean
  readonly allowedUnsafeSysctls: ReadonlyArray<string>
  /** Reservations as quantities: `cpu`, `memory`, `ephemeral-storage`, `pid`. */
  readonly kubeReserved: Readonly<Record<string, string>>
  readonly systemReserved: Readonly<Record<string, string>>
  /** `pods`, `system-reserved`, `kube-reserved` and the two with `-compressible`; `none`. */
  readonly enforceNodeAllocatable: ReadonlyArray<string>
  /** The control groups that the reservations are limits of; empty without. */
  readonly systemReservedCgroup: string
  readonly kubeReservedCgroup: string
  readonly evictionHard: Readonly<Record<string, string>>
  readonly evictionPressureTransitionMs: number
  readonly containerLogMaxSizeBytes: number
  readonly containerLogMaxFiles: number
  readonly containerLogMaxWorkers: number
  readonly containerLogMonitorIntervalMs: number
  /** Dead containers kept of each name; negative: no limit. */
  readonly maxDeadPerContainer: number
  /** Dead containers kept in all; negative: no limit. */
  readonly maxDeadContainers: number
  readonly minDeadContainerAgeMs: number
  readonly imageGcHighPercent: number
  readonly imageGcLowPercent: number
  readonly imageMinimumGcAgeMs: number
  readonly imageMaximumGcAgeMs: number
}

export class AgentConfig extends Context.Service<AgentConfig, AgentSettings>()("kubeffect/programs/AgentConfig") {}
