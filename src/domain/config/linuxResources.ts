/** CPU, memory and huge pages in the form of the CRI: for a sandbox, its overhead, and a container (parity L15). */
import type { MessageInitShape } from "@bufbuild/protobuf"
import type { LinuxContainerResourcesSchema } from "../../gen/cri/api_pb.ts"
import type { Container } from "../k8s/container.ts"
import type { Pod } from "../k8s/pod.ts"
import { quotaOfMilli, sharesOfMilli } from "../resources/cpu.ts"
import { hugePageLimits } from "../resources/hugePages.ts"
import { memoryQos, type MemoryQosSettings } from "../resources/memoryQos.ts"
import { oomScoreAdj } from "../resources/oomScore.ts"
import { podLimits, podRequests } from "../resources/podResources.ts"
import { milliOfText, valueOfText } from "../resources/quantity.ts"
import { amountsOf, milliOf, unitsOf } from "../resources/resourceLists.ts"
import { swapLimitBytes } from "../resources/swap.ts"
import type { NodeSettings } from "./nodeSettings.ts"

export type LinuxResources = MessageInitShape<typeof LinuxContainerResourcesSchema>

interface Wanted {
  /** Undefined: nothing requested, which means as much as the limit. */
  readonly requestMilli: number | undefined
  readonly limitMilli: number
  readonly memoryBytes: number
  /** Exclusive CPUs are not throttled (parity L9). */
  readonly unthrottled?: boolean
}

const resources = (wanted: Wanted, node: NodeSettings) => {
  const period = node.cpuCfsQuotaPeriodUs
  const quota = wanted.unthrottled === true ? -1 : quotaOfMilli(wanted.limitMilli, period)
  return {
    cpuShares: BigInt(sharesOfMilli(wanted.requestMilli ?? wanted.limitMilli)),
    ...(node.cpuCfsQuota ? { cpuPeriod: BigInt(period), cpuQuota: BigInt(quota) } : {}),
    memoryLimitInBytes: BigInt(wanted.memoryBytes)
  }
}

/** What the pod as a whole may use, overhead apart. */
export const sandboxResources = (pod: Pod, node: NodeSettings): LinuxResources => {
  const requests = podRequests(pod, { excludeOverhead: true })
  const limits = podLimits(pod, { excludeOverhead: true })
  return resources({
    requestMilli: requests.has("cpu") ? milliOf(requests, "cpu") : undefined,
    limitMilli: milliOf(limits, "cpu"),
    memoryBytes: unitsOf(limits, "memory")
  }, node)
}

/** What the sandbox itself costs; empty without a RuntimeClass that says so. */
export const overheadResources = (pod: Pod, node: NodeSettings): LinuxResources => {
  if (pod.spec.overhead === undefined) return {}
  const overhead = amountsOf(pod.spec.overhead)
  return resources({
    requestMilli: undefined,
    limitMilli: milliOf(overhead, "cpu"),
    memoryBytes: unitsOf(overhead, "memory")
  }, node)
}

/** The container's own limit, or the pod's where it has none (KEP-2837). */
const limitText = (pod: Pod, container: Container, name: "cpu" | "memory"): string | undefined => {
  const own = container.resources?.limits?.[name]
  return own === undefined || milliOfText(own) === 0 ? pod.spec.resources?.limits?.[name] : own
}

/** On v1 the limit of memory and swap together; it is ignored where there is no memory limit. */
const swapV1 = (memoryBytes: number, { swap, cgroupV2 }: NodeSettings): { readonly memorySwapLimitInBytes?: bigint } =>
  swap.controllerAvailable && !cgroupV2 ? { memorySwapLimitInBytes: BigInt(memoryBytes) } : {}

const memoryFiles = (container: Container, settings: MemoryQosSettings): { [file: string]: string } => {
  const { minBytes, highBytes } = memoryQos(container, settings)
  return {
    ...(minBytes === undefined ? {} : { "memory.min": `${minBytes}` }),
    ...(highBytes === undefined ? {} : { "memory.high": `${highBytes}` })
  }
}

/** Files of cgroup v2 that the CRI has no field for. */
const unifiedFiles = (pod: Pod, container: Container, node: NodeSettings): { [file: string]: string } => {
  if (!node.cgroupV2) return {}
  return {
    ...(node.memoryQos === undefined ? {} : memoryFiles(container, node.memoryQos)),
    ...(node.singleProcessOomKill ? {} : { "memory.oom.group": "1" }),
    ...(node.swap.controllerAvailable
      ? { "memory.swap.max": `${swapLimitBytes(pod, container, node.swap)}` }
      : {})
  }
}

/** What the resource managers decided for a container. */
export interface Assignment {
  readonly cpusetCpus?: string
  readonly cpusetMems?: string
  readonly exclusiveCpus?: boolean
}

/** The resources of one container; the same at its start and when they are updated in place. */
export const containerResources = (
  pod: Pod,
  container: Container,
  node: NodeSettings,
  { cpusetCpus, cpusetMems, exclusiveCpus = false }: Assignment = {}
): LinuxResources => {
  const request = container.resources?.requests?.["cpu"]
  const memoryBytes = valueOfText(limitText(pod, container, "memory"))
  return {
    ...resources({
      requestMilli: request === undefined ? undefined : milliOfText(request),
      limitMilli: milliOfText(limitText(pod, container, "cpu")),
      memoryBytes,
      unthrottled: exclusiveCpus
    }, node),
    ...swapV1(memoryBytes, node),
    unified: unifiedFiles(pod, container, node),
    oomScoreAdj: BigInt(oomScoreAdj(pod, container, node.memoryCapacityBytes)),
    hugepageLimits: hugePageLimits(amountsOf(container.resources?.limits), node.hugePageSizes)
      .map(({ pageSize, limitBytes }) => ({ pageSize, limit: BigInt(limitBytes) })),
    ...(cpusetCpus === undefined ? {} : { cpusetCpus }),
    ...(cpusetMems === undefined ? {} : { cpusetMems })
  }
}
