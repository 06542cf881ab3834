/**
 * Whether the node grants what a resized pod asks for (parity D17). `Infeasible`: never on this node, it is not tried
 * again; `Deferred`: not now, it is tried again when others leave.
 */
import { shortageMessage, shortages } from "../admission/shortage.ts"
import type { Container } from "../k8s/container.ts"
import type { ResourceList } from "../k8s/fields.ts"
import type { Pod } from "../k8s/pod.ts"
import type { PodSource } from "../pod/model.ts"
import { podRequests } from "../resources/podResources.ts"
import { qosClassOf } from "../resources/qos.ts"
import { quantityOf, valueOf } from "../resources/quantity.ts"
import { amountsOf, milliOf, unitsOf } from "../resources/resourceLists.ts"
import { swapLimitBytes, type SwapSettings } from "../resources/swap.ts"
import { type Allocation, containersOf, differsIn, type Resizable } from "./allocation.ts"

export interface ResizeNode {
  readonly allocatable: ResourceList
  readonly swap: SwapSettings
  /** Policies under which guaranteed containers hold CPUs or memory of their own. */
  readonly exclusiveCpus: boolean
  readonly exclusiveMemory: boolean
  /** Everybody else with what they were allotted. */
  readonly others: ReadonlyArray<Pod>
}

export type ResizeVerdict =
  | { readonly _tag: "Granted" }
  | { readonly _tag: "Refused"; readonly reason: "Deferred" | "Infeasible"; readonly message: string }

const infeasible = (message: string): ResizeVerdict => ({ _tag: "Refused", reason: "Infeasible", message })

const restartsForMemory = ({ resizePolicy = [] }: Container): boolean =>
  resizePolicy.find(({ resourceName }) => resourceName === "memory")?.restartPolicy === "RestartContainer"

const request = (list: ResourceList | undefined): bigint | undefined => {
  const text = list?.["memory"]
  return text === undefined ? undefined : valueOf(quantityOf(text))
}

/** Swap is dealt out by memory requests, and cannot be dealt anew to a container that runs. */
const touchesSwap = (pod: Pod, allocated: Allocation, swap: SwapSettings): boolean =>
  containersOf(pod).some((container) => {
    const before = allocated.containers[container.name]
    if (before === undefined || restartsForMemory(container)) return false
    if (request(before.requests) === request(container.resources?.requests)) return false
    return swapLimitBytes(pod, container, swap) !== 0 ||
      swapLimitBytes(pod, { ...container, resources: before }, swap) !== 0
  })

const resizes = (pod: Pod, allocated: Allocation, name: Resizable): boolean =>
  containersOf(pod).some((container) => differsIn(name, container.resources, allocated.containers[container.name]))

const byPolicy = (pod: Pod, allocated: Allocation, node: ResizeNode): ResizeVerdict | undefined => {
  if (qosClassOf(pod) !== "Guaranteed") return undefined
  if (node.exclusiveCpus && resizes(pod, allocated, "cpu")) {
    return infeasible("Resize is infeasible for Guaranteed Pods alongside CPU Manager policy \"static\"")
  }
  if (node.exclusiveMemory && resizes(pod, allocated, "memory")) {
    return infeasible("Resize is infeasible for Guaranteed Pods alongside Memory Manager policy \"Static\"")
  }
  return undefined
}

const byCapacity = (pod: Pod, { allocatable }: ResizeNode): ResizeVerdict | undefined => {
  const wanted = podRequests(pod)
  const capacity = amountsOf(allocatable)
  const memory = { requested: unitsOf(wanted, "memory"), capacity: unitsOf(capacity, "memory") }
  const cpu = { requested: milliOf(wanted, "cpu"), capacity: milliOf(capacity, "cpu") }
  const short = memory.requested > memory.capacity ? "memory" : cpu.requested > cpu.capacity ? "cpu" : undefined
  if (short === undefined) return undefined
  const figures = short === "memory" ? memory : cpu
  return infeasible(
    `Node didn't have enough capacity: ${short}, requested: ${figures.requested}, capacity: ${figures.capacity}`
  )
}

/** `pod`: as it wants to be. */
export const admitResize = (
  pod: Pod,
  allocated: Allocation,
  source: PodSource,
  node: ResizeNode
): ResizeVerdict => {
  if (source !== "api") return infeasible("In-place resize of static-pods is not supported")
  if (touchesSwap(pod, allocated, node.swap)) {
    return infeasible("In-place resize of containers with swap is not supported.")
  }
  const refused = byPolicy(pod, allocated, node) ?? byCapacity(pod, node)
  if (refused !== undefined) return refused
  const [first] = shortages(pod, node.others, node.allocatable)
  return first === undefined
    ? { _tag: "Granted" }
    : { _tag: "Refused", reason: "Deferred", message: shortageMessage(first) }
}

/** One that waits for its resize. */
export interface Waiting {
  readonly pod: Pod
  readonly allocated: Pod
  readonly sinceMs: number
}

const increases = ({ allocated, pod }: Waiting): boolean => {
  const before = podRequests(allocated)
  const after = podRequests(pod)
  return unitsOf(after, "memory") > unitsOf(before, "memory") || milliOf(after, "cpu") > milliOf(before, "cpu")
}

/** Who is asked first when there may be room: who takes nothing, the important, the guaranteed, who waits longest. */
export const inTurn = <W extends Waiting>(waiting: ReadonlyArray<W>): ReadonlyArray<W> => {
  const rank = (one: W): ReadonlyArray<number> => [
    increases(one) ? 1 : 0,
    -(one.pod.spec.priority ?? 0),
    qosClassOf(one.pod) === "Guaranteed" ? 0 : 1,
    one.sinceMs
  ]
  const ranked = waiting.map((one) => ({ one, rank: rank(one) }))
  return ranked
    .sort((a, b) => a.rank.map((value, index) => value - (b.rank[index] ?? 0)).find((value) => value !== 0) ?? 0)
    .map(({ one }) => one)
}
