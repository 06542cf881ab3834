/**
 * What the agent writes into the groups it makes for pods: a pod's own and those of the QoS classes
 * (parity L2–L4, L6, L8). Containers' groups are the runtime's.
 */
import type { Pod } from "../k8s/pod.ts"
import { defaultQuotaPeriodUs, minShares, quotaOfMilli, sharesOfMilli } from "./cpu.ts"
import { hugePageLimits } from "./hugePages.ts"
import { isLimitDeclared, podLimits, podRequests } from "./podResources.ts"
import { qosClassOf } from "./qos.ts"
import { type Amounts, milliOf, unitsOf } from "./resourceLists.ts"

/** Values of a group; absent ones are left as the kernel has them. */
export interface CgroupLimits {
  readonly cpuShares?: number
  /** -1 for no limit. */
  readonly cpuQuotaUs?: number
  readonly cpuPeriodUs?: number
  readonly memoryLimitBytes?: number
  readonly pidsMax?: number
  readonly hugePageLimitBytes?: Readonly<Record<string, number>>
}

export interface PodCgroupOptions {
  /** `cpuCFSQuota`: false leaves CPU unlimited everywhere. */
  readonly cpuCfsQuota: boolean
  readonly cpuCfsQuotaPeriodUs: number
  /** Page sizes of the host as the kernel names them. */
  readonly hugePageSizes: ReadonlyArray<string>
  /** `podPidsLimit`; 0 or less for none. */
  readonly podPidsLimit: number
  /** Processes the kernel can have at all; the pod's share is capped to it. */
  readonly maxPids?: number
}

export const defaultPodCgroupOptions: PodCgroupOptions = {
  cpuCfsQuota: true,
  cpuCfsQuotaPeriodUs: defaultQuotaPeriodUs,
  hugePageSizes: [],
  podPidsLimit: -1
}

const cpuLimit = (limits: Amounts, options: PodCgroupOptions) => ({
  cpuQuotaUs: options.cpuCfsQuota ? quotaOfMilli(milliOf(limits, "cpu"), options.cpuCfsQuotaPeriodUs) : -1,
  cpuPeriodUs: options.cpuCfsQuotaPeriodUs
})

const pidsLimit = ({ podPidsLimit, maxPids }: PodCgroupOptions): CgroupLimits =>
  podPidsLimit > 0 ? { pidsMax: Math.min(podPidsLimit, maxPids ?? podPidsLimit) } : {}

const computeLimits = (pod: Pod, limits: Amounts, options: PodCgroupOptions): CgroupLimits => {
  const qos = qosClassOf(pod)
  if (qos === "BestEffort") return { cpuShares: minShares }
  const cpuShares = sharesOfMilli(milliOf(podRequests(pod), "cpu"))
  const memoryLimitBytes = unitsOf(limits, "memory")
  // A limit on some containers only would be a limit on the others too, if the pod's group had it.
  const limited = (resource: "cpu" | "memory") => qos === "Guaranteed" || isLimitDeclared(pod, resource)
  return {
    cpuShares,
    ...(limited("cpu") ? cpuLimit(limits, options) : {}),
    ...(limited("memory") ? { memoryLimitBytes } : {})
  }
}

/** The group of one pod, overhead included. */
export const podCgroupLimits = (pod: Pod, options: PodCgroupOptions = defaultPodCgroupOptions): CgroupLimits => {
  const limits = podLimits(pod)
  const pages = hugePageLimits(limits, options.hugePageSizes)
  return {
    ...computeLimits(pod, limits, options),
    ...pidsLimit(options),
    ...(pages.length === 0
      ? {}
      : { hugePageLimitBytes: Object.fromEntries(pages.map(({ pageSize, limitBytes }) => [pageSize, limitBytes])) })
  }
}

const unlimitedPages = (hugePageSizes: ReadonlyArray<string>): CgroupLimits =>
  hugePageSizes.length === 0
    ? {}
    : { hugePageLimitBytes: Object.fromEntries(hugePageSizes.map((size) => [size, Number.MAX_SAFE_INTEGER])) }

/** The groups of the burstable and best-effort classes, given the pods that are active now. */
export const qosCgroupLimits = (
  pods: ReadonlyArray<Pod>,
  hugePageSizes: ReadonlyArray<string>
): { readonly burstable: CgroupLimits; readonly bestEffort: CgroupLimits } => {
  const burstableMilli = pods
    .filter((pod) => qosClassOf(pod) === "Burstable")
    .reduce((total, pod) => total + milliOf(podRequests(pod), "cpu"), 0)
  const pages = unlimitedPages(hugePageSizes)
  return {
    burstable: { cpuShares: sharesOfMilli(burstableMilli), ...pages },
    bestEffort: { cpuShares: minShares, ...pages }
  }
}
