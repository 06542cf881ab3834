/** Which resources of a node a pod does not fit into, beside those that run there already (parity C7). */
import type { ResourceList } from "../k8s/fields.ts"
import type { Pod } from "../k8s/pod.ts"
import { podRequests } from "../resources/podResources.ts"
import { milliValueOf, type Quantity, valueOf } from "../resources/quantity.ts"
import { type Amounts, amountsOf } from "../resources/resourceLists.ts"

/** CPU in thousandths, everything else in whole units. */
export interface Shortage {
  readonly resource: string
  readonly requested: bigint
  readonly used: bigint
  readonly capacity: bigint
}

const unitsOf = (name: string, quantity: Quantity | undefined): bigint =>
  quantity === undefined ? 0n : name === "cpu" ? milliValueOf(quantity) : valueOf(quantity)

/** What a pod counts for: itself as one of `pods`, else what it requests. */
export const requestOf = (pod: Pod, resource: string): bigint =>
  resource === "pods" ? 1n : unitsOf(resource, podRequests(pod).get(resource))

/** Resources of somebody other than Kubernetes. */
const isExtendedResource = (name: string): boolean =>
  name.includes("/") && !name.includes("kubernetes.io/") && !name.startsWith("requests.")

const firstOf = ["cpu", "memory", "ephemeral-storage"]

const inOrder = (requests: Amounts): ReadonlyArray<string> => [
  ...firstOf.filter((name) => requests.has(name)),
  ...[...requests.keys()].filter((name) => !firstOf.includes(name)).sort()
]

/** In the order in which they are told; extended resources that the node does not have are not its business. */
export const shortages = (
  pod: Pod,
  others: ReadonlyArray<Pod>,
  allocatable: ResourceList
): ReadonlyArray<Shortage> => {
  const capacity = amountsOf(allocatable)
  const requests = podRequests(pod)
  const usedRequests = others.map((other) => podRequests(other))
  const podCount = BigInt(others.length)
  const podCapacity = unitsOf("pods", capacity.get("pods"))
  const tooMany: ReadonlyArray<Shortage> = capacity.has("pods") && podCount + 1n > podCapacity
    ? [{ resource: "pods", requested: 1n, used: podCount, capacity: podCapacity }]
    : []
  const short = inOrder(requests)
    .filter((resource) => !(isExtendedResource(resource) && !capacity.has(resource)))
    .map((resource) => ({
      resource,
      requested: unitsOf(resource, requests.get(resource)),
      used: usedRequests.reduce((total, amounts) => total + unitsOf(resource, amounts.get(resource)), 0n),
      capacity: unitsOf(resource, capacity.get(resource))
    }))
    .filter(({ capacity, requested, used }) => requested > 0n && requested > capacity - used)
  return [...tooMany, ...short]
}

export const shortageMessage = ({ capacity, requested, resource, used }: Shortage): string =>
  `Node didn't have enough resource: ${resource}, requested: ${requested}, used: ${used}, capacity: ${capacity}`
