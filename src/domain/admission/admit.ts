/**
 * Whether the node takes a pod (parity C6–C9): the checks in the kubelet's order, the first refusal decides. Pure: the
 * caller serialises decisions, so that two pods never count on the same room.
 */
import type { ResourceList } from "../k8s/fields.ts"
import type { Node, Taint } from "../k8s/node.ts"
import type { Pod } from "../k8s/pod.ts"
import { requiredFeatures } from "../node/declaredFeatures.ts"
import type { PodSource } from "../pod/model.ts"
import { isCriticalPod, qosClassOf } from "../resources/qos.ts"
import { needsAppArmor } from "./appArmor.ts"
import { portsAreFree } from "./hostPorts.ts"
import { affinityFits } from "./nodeAffinity.ts"
import { preempt } from "./preemption.ts"
import { shortageMessage, shortages } from "./shortage.ts"
import { sysctlComplaint } from "./sysctls.ts"
import { toleratesAll } from "./taints.ts"

/** The node as admission sees it. */
export interface AdmissionNode {
  readonly node: Node
  readonly allocatable: ResourceList
  readonly kernelVersion: string
  readonly allowedUnsafeSysctls: ReadonlyArray<string>
  readonly pressure: { readonly memory: boolean; readonly disk: boolean; readonly pid: boolean }
  /** The runtime honours `supplementalGroupsPolicy: Strict`. */
  readonly strictSupplementalGroups: boolean
  readonly appArmor: boolean
  /** What the node declares; undefined: nothing is asked of pods. */
  readonly declaredFeatures: ReadonlyArray<string> | undefined
  readonly podLevelResources: boolean
  readonly shuttingDown: boolean
  /** Pods that the node has taken and that are not over. */
  readonly others: ReadonlyArray<Pod>
}

/** Reason and message as the pod's status and event show them. */
export interface Rejected {
  readonly _tag: "Rejected"
  readonly reason: string
  readonly message: string
  /** Nothing but the node's labels stands against it: with a freshly read node it may fit. */
  readonly byNodeLabels: boolean
}

export type Verdict =
  | { readonly _tag: "Admitted" }
  | Rejected
  /** The pod is taken once these have gone. */
  | { readonly _tag: "Preempt"; readonly victims: ReadonlyArray<Pod>; readonly resource: string }

const os = "linux"

const reject = (reason: string, message: string): Rejected => ({
  _tag: "Rejected",
  reason,
  message,
  byNodeLabels: false
})

const predicate = (name: string, detail: string): Rejected => reject(name, `Predicate ${name} failed: ${detail}`)

const memoryPressureTaint: Taint = { key: "node.kubernetes.io/memory-pressure", effect: "NoSchedule" }

/** Under pressure the node takes critical pods, and for memory alone those that do not live off what is left (M3). */
const byPressure = (pod: Pod, { pressure }: AdmissionNode): Rejected | undefined => {
  const conditions = [
    ...(pressure.disk ? ["DiskPressure"] : []),
    ...(pressure.memory ? ["MemoryPressure"] : []),
    ...(pressure.pid ? ["PIDPressure"] : [])
  ]
  if (conditions.length === 0 || isCriticalPod(pod)) return undefined
  const onlyMemory = pressure.memory && conditions.length === 1
  if (
    onlyMemory &&
    (qosClassOf(pod) !== "BestEffort" || toleratesAll(pod.spec.tolerations ?? [], [memoryPressureTaint]))
  ) return undefined
  return reject("Evicted", `The node had condition: [${conditions.join(" ")}]. `)
}

const bySysctls = (pod: Pod, { allowedUnsafeSysctls, kernelVersion }: AdmissionNode): Rejected | undefined => {
  const complaint = sysctlComplaint(pod, { kernelVersion, allowedUnsafe: allowedUnsafeSysctls })
  return complaint === undefined ? undefined : reject("SysctlForbidden", complaint)
}

/** What no preemption could help. */
const byKind = (pod: Pod, { strictSupplementalGroups }: AdmissionNode): Rejected | undefined => {
  // Strange but true: it is a label of the pod that is compared, not its node selector.
  const label = pod.metadata.labels?.["kubernetes.io/os"]
  if (label !== undefined && label !== os) {
    return reject(
      "PodOSSelectorNodeLabelDoesNotMatch",
      "Failed to admit pod as the `kubernetes.io/os` label doesn't match node label"
    )
  }
  if (pod.spec.os !== undefined && pod.spec.os.name !== os) {
    return reject("PodOSNotSupported", "Failed to admit pod as the OS field doesn't match node OS")
  }
  if (pod.spec.securityContext?.supplementalGroupsPolicy === "Strict" && !strictSupplementalGroups) {
    return reject(
      "SupplementalGroupsPolicyNotSupported",
      "SupplementalGroupsPolicy=Strict is not supported in this node"
    )
  }
  return undefined
}

/** What the scheduler checks too, resources left aside; all that fail, in the order they are told. */
const byPlacement = (pod: Pod, source: PodSource, { node, others }: AdmissionNode): ReadonlyArray<Rejected> => {
  const failures: Array<Rejected> = []
  if (!affinityFits(pod, node)) {
    const affinity = predicate("NodeAffinity", "node(s) didn't match Pod's node affinity/selector")
    failures.push({ ...affinity, byNodeLabels: true })
  }
  if ((pod.spec.nodeName ?? "") !== "" && pod.spec.nodeName !== node.metadata.name) {
    failures.push(predicate("NodeName", "node(s) didn't match the requested node name"))
  }
  if (!portsAreFree(pod, others)) {
    failures.push(predicate("NodePorts", "node(s) didn't have free ports for the requested pod ports"))
  }
  const noExecute = (node.spec?.taints ?? []).filter(({ effect }) => effect === "NoExecute")
  if (source === "api" && !toleratesAll(pod.spec.tolerations ?? [], noExecute)) {
    failures.push(predicate("TaintToleration", "node(s) had taints that the pod didn't tolerate"))
  }
  return failures
}

const byPredicates = (
  pod: Pod,
  source: PodSource,
  given: AdmissionNode
): Exclude<Verdict, { _tag: "Admitted" }> | undefined => {
  const placement = byPlacement(pod, source, given)
  const short = shortages(pod, given.others, given.allocatable)
  const [first] = short
  const critical = source !== "api" || isCriticalPod(pod)
  if (first !== undefined && !critical) return reject(`OutOf${first.resource}`, shortageMessage(first))
  const [refused] = placement
  if (refused !== undefined) {
    return placement.length === 1 && first === undefined ? refused : { ...refused, byNodeLabels: false }
  }
  if (first === undefined) return undefined
  const preemption = preempt(pod, given.others, short)
  return preemption._tag === "Possible"
    ? { _tag: "Preempt", victims: preemption.victims, resource: first.resource }
    : reject("UnexpectedAdmissionError", preemption.message)
}

/** What the pod makes use of and this node does not have. */
const byFeatures = (pod: Pod, { declaredFeatures, podLevelResources }: AdmissionNode): Rejected | undefined => {
  if (pod.spec.resources !== undefined && !podLevelResources) {
    return reject("PodLevelResourcesNotSupported", "PodLevelResources feature gate is disabled")
  }
  if (declaredFeatures === undefined) return undefined
  const missing = requiredFeatures(pod).filter((feature) => !declaredFeatures.includes(feature))
  return missing.length === 0
    ? undefined
    : reject("PodFeatureUnsupported", `Pod requires node features that are not available: ${missing.join(", ")}`)
}

const byHost = (pod: Pod, given: AdmissionNode): Rejected | undefined => {
  const { appArmor, shuttingDown } = given
  // What runs already was checked when it began.
  const begun = pod.status?.phase !== undefined && pod.status.phase !== "Pending"
  if (!begun && needsAppArmor(pod) && !appArmor) {
    return reject("AppArmor", "Cannot enforce AppArmor: AppArmor is not enabled on the host")
  }
  const lacking = byFeatures(pod, given)
  if (lacking !== undefined) return lacking
  return shuttingDown ? reject("NodeShutdown", "Pod was rejected as the node is shutting down.") : undefined
}

export const admit = (pod: Pod, source: PodSource, given: AdmissionNode): Verdict => {
  const early = byPressure(pod, given) ?? bySysctls(pod, given) ?? byKind(pod, given)
  if (early !== undefined) return early
  const fit = byPredicates(pod, source, given)
  if (fit?._tag === "Rejected") return fit
  return byHost(pod, given) ?? fit ?? { _tag: "Admitted" }
}
