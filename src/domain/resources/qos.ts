/** The quality-of-service class of a pod (parity F5), and which pods count as critical. */
import type { ResourceList } from "../k8s/fields.ts"
import type { Pod } from "../k8s/pod.ts"
import { hasPodLevelResources } from "./podResources.ts"
import { type Amounts, amountsOf, none, sum } from "./resourceLists.ts"

export type QosClass = "Guaranteed" | "Burstable" | "BestEffort"

const computeResources = ["cpu", "memory"] as const

const positive = (list: ResourceList | undefined): Amounts =>
  new Map([...amountsOf(list)].filter(([name, { nano }]) => (name === "cpu" || name === "memory") && nano > 0n))

const classOf = (requests: Amounts, limits: Amounts, allLimited: boolean): QosClass => {
  if (requests.size === 0 && limits.size === 0) return "BestEffort"
  const equal = computeResources.every((name) => requests.get(name)?.nano === limits.get(name)?.nano)
  return allLimited && equal && requests.size === limits.size ? "Guaranteed" : "Burstable"
}

/** The class that follows from the spec. */
export const computeQosClass = (pod: Pod): QosClass => {
  if (hasPodLevelResources(pod)) {
    const limits = positive(pod.spec.resources?.limits)
    return classOf(positive(pod.spec.resources?.requests), limits, limits.size === computeResources.length)
  }
  let requests = none
  let limits = none
  let allLimited = true
  for (const container of [...pod.spec.containers, ...(pod.spec.initContainers ?? [])]) {
    const own = positive(container.resources?.limits)
    requests = sum(requests, positive(container.resources?.requests))
    limits = sum(limits, own)
    allLimited &&= own.size === computeResources.length
  }
  return classOf(requests, limits, allLimited)
}

/** The class the API server decided on, which is immutable; computed where no server did. */
export const qosClassOf = (pod: Pod): QosClass => {
  const given = pod.status?.qosClass
  return given === "Guaranteed" || given === "Burstable" || given === "BestEffort" ? given : computeQosClass(pod)
}

const systemCriticalPriority = 2_000_000_000
const nodeCriticalPriority = systemCriticalPriority + 1000

const isDeclaredOnNode = (pod: Pod): boolean => {
  const annotations = pod.metadata.annotations ?? {}
  const source = annotations["kubernetes.io/config.source"]
  return (source !== undefined && source !== "api") || annotations["kubernetes.io/config.mirror"] !== undefined
}

/** Static, mirror and system-critical pods: admitted by evicting others, never evicted themselves (parity C8, M5). */
export const isCriticalPod = (pod: Pod): boolean =>
  isDeclaredOnNode(pod) || (pod.spec.priority ?? 0) >= systemCriticalPriority

/** Pods the node cannot work without. */
export const isNodeCriticalPod = (pod: Pod): boolean =>
  isCriticalPod(pod) &&
  (pod.spec.priorityClassName === "system-node-critical" || (pod.spec.priority ?? 0) >= nodeCriticalPriority)
