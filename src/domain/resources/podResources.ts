/**
 * What a pod as a whole requests and is limited to: the peak over its life, counting init containers one at a time,
 * sidecars from their start on, pod-level values in place of sums (KEP-2837), and the RuntimeClass overhead (KEP-688).
 */
import type { Container } from "../k8s/container.ts"
import type { Pod } from "../k8s/pod.ts"
import { type Amounts, amountsOf, isHugePages, largest, none, sum } from "./resourceLists.ts"

type Side = "requests" | "limits"

export interface PodResourceOptions {
  readonly excludeOverhead?: boolean
  /** Sums of containers only, as if the pod set nothing itself. */
  readonly ignorePodLevel?: boolean
}

export const isSidecar = (container: Container): boolean => container.restartPolicy === "Always"

const amountsOfContainer = (container: Container, side: Side): Amounts => amountsOf(container.resources?.[side])

/** Of all containers together: the larger of the running phase and of the worst moment of initialisation. */
const ofContainers = (pod: Pod, side: Side): Amounts => {
  let running = none
  for (const container of pod.spec.containers) running = sum(running, amountsOfContainer(container, side))
  let sidecars = none
  let initPeak = none
  for (const container of pod.spec.initContainers ?? []) {
    const own = amountsOfContainer(container, side)
    if (isSidecar(container)) {
      running = sum(running, own)
      sidecars = sum(sidecars, own)
      initPeak = largest(initPeak, sidecars)
    } else {
      initPeak = largest(initPeak, sum(own, sidecars))
    }
  }
  return largest(running, initPeak)
}

/** Resources that may be set for the pod as a whole. */
export const isPodLevelResource = (name: string): boolean => name === "cpu" || name === "memory" || isHugePages(name)

const podLevel = (pod: Pod, side: Side): Amounts =>
  new Map([...amountsOf(pod.spec.resources?.[side])].filter(([name]) => isPodLevelResource(name)))

/** True when the pod sets any request or limit for itself as a whole. */
export const hasPodLevelResources = (pod: Pod): boolean =>
  podLevel(pod, "requests").size > 0 || podLevel(pod, "limits").size > 0

export const hasPodLevelRequests = (pod: Pod): boolean => podLevel(pod, "requests").size > 0

const replaced = (amounts: Amounts, by: Amounts): Amounts => by.size === 0 ? amounts : new Map([...amounts, ...by])

/** Sum of what the containers ask for, without pod-level values and overhead. */
export const containerRequests = (pod: Pod): Amounts => ofContainers(pod, "requests")

export const podRequests = (pod: Pod, options: PodResourceOptions = {}): Amounts => {
  const containers = ofContainers(pod, "requests")
  const effective = options.ignorePodLevel === true ? containers : replaced(containers, podLevel(pod, "requests"))
  return options.excludeOverhead === true ? effective : sum(effective, amountsOf(pod.spec.overhead))
}

/** Overhead is added only to what is limited at all. */
export const podLimits = (pod: Pod, options: PodResourceOptions = {}): Amounts => {
  const containers = ofContainers(pod, "limits")
  const effective = options.ignorePodLevel === true ? containers : replaced(containers, podLevel(pod, "limits"))
  if (options.excludeOverhead === true) return effective
  const overhead = [...amountsOf(pod.spec.overhead)].filter(([name]) => (effective.get(name)?.nano ?? 0n) !== 0n)
  return sum(effective, new Map(overhead))
}

/** True when every container has a limit of this resource, or the pod as a whole has one. */
export const isLimitDeclared = (pod: Pod, resource: "cpu" | "memory"): boolean => {
  const limited = (amounts: Amounts) => (amounts.get(resource)?.nano ?? 0n) !== 0n
  if (limited(podLevel(pod, "limits"))) return true
  const all = [...pod.spec.containers, ...(pod.spec.initContainers ?? [])]
  if (hasPodLevelResources(pod)) return limited(ofContainers(pod, "limits"))
  return all.every((container) => limited(amountsOfContainer(container, "limits")))
}
