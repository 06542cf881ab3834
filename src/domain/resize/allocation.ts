/**
 * What a pod was allotted of the node's CPU and memory, apart from what its spec asks for (parity D17, D18): a resize
 * changes the spec at once, the allotment when the node agrees, and what is in force when it has been carried out.
 */
import { equalValues } from "../equalValues.ts"
import type { Container, ResourceRequirements } from "../k8s/container.ts"
import type { Pod } from "../k8s/pod.ts"
import type { ContainerStatus } from "../k8s/podStatus.ts"
import { quantityOf } from "../resources/quantity.ts"

export interface Allocation {
  /** Of the pod as a whole (KEP-2837). */
  readonly pod?: ResourceRequirements
  /** By name: init containers and regular ones. */
  readonly containers: Readonly<Record<string, ResourceRequirements>>
}

export const resizable = ["cpu", "memory"] as const
export type Resizable = (typeof resizable)[number]

type Side = "requests" | "limits"

export const containersOf = ({ spec }: Pod): ReadonlyArray<Container> => [
  ...(spec.initContainers ?? []),
  ...spec.containers
]

/** What the spec asks for. */
export const allocationOf = (pod: Pod): Allocation => ({
  ...(pod.spec.resources === undefined ? {} : { pod: pod.spec.resources }),
  containers: Object.fromEntries(containersOf(pod).map(({ name, resources }) => [name, resources ?? {}]))
})

const withOwn = (container: Container, allocation: Allocation): Container => {
  const own = Object.hasOwn(allocation.containers, container.name) ? allocation.containers[container.name] : undefined
  if (own === undefined || equalValues(own, container.resources ?? {})) return container
  return { ...container, resources: own }
}

/** The pod as it would be if it asked for no more and no less than this; the very same object where it does not. */
export const asAllocated = (pod: Pod, allocation: Allocation): Pod => {
  const { resources, ...spec } = pod.spec
  const containers = spec.containers.map((container) => withOwn(container, allocation))
  const initContainers = spec.initContainers?.map((container) => withOwn(container, allocation))
  const same = containers.every((container, index) => container === spec.containers[index]) &&
    (initContainers ?? []).every((container, index) => container === spec.initContainers?.[index]) &&
    equalValues(resources, allocation.pod)
  if (same) return pod
  return {
    ...pod,
    spec: {
      ...spec,
      containers,
      ...(initContainers === undefined ? {} : { initContainers }),
      ...(allocation.pod === undefined ? {} : { resources: allocation.pod })
    }
  }
}

const amount = (resources: ResourceRequirements | undefined, side: Side, name: Resizable): bigint | undefined => {
  const text = resources?.[side]?.[name]
  return text === undefined ? undefined : quantityOf(text).nano
}

/** Whether request or limit of the resource differ, whatever the notation. */
export const differsIn = (
  name: Resizable,
  a: ResourceRequirements | undefined,
  b: ResourceRequirements | undefined
): boolean =>
  amount(a, "requests", name) !== amount(b, "requests", name) ||
  amount(a, "limits", name) !== amount(b, "limits", name)

const differs = (a: ResourceRequirements | undefined, b: ResourceRequirements | undefined): boolean =>
  resizable.some((name) => differsIn(name, a, b))

/** Whether anything that can be resized is another amount. */
export const isResized = (a: Allocation, b: Allocation): boolean =>
  differs(a.pod, b.pod) ||
  [...new Set([...Object.keys(a.containers), ...Object.keys(b.containers)])].some((name) =>
    differs(a.containers[name], b.containers[name])
  )

/**
 * What is in force of an allotment, by a record of it; undefined when that is all of it. A container that the record does
 * not name has not been started, and will have what it was allotted.
 */
export const unsettled = (allocated: Allocation, recorded: Allocation): Allocation | undefined => {
  const inForce = { ...allocated, ...recorded, containers: { ...allocated.containers, ...recorded.containers } }
  return isResized(allocated, inForce) ? inForce : undefined
}

/** -1 less, 0 equal, 1 more: by the limit, and by the request where limits agree. No limit is the largest. */
export const direction = (
  name: Resizable,
  from: ResourceRequirements | undefined,
  to: ResourceRequirements | undefined
): -1 | 0 | 1 => {
  const compare = (a: bigint | undefined, b: bigint | undefined, none: -1 | 1): -1 | 0 | 1 => {
    if (a === b) return 0
    if (a === undefined) return none === 1 ? -1 : 1
    if (b === undefined) return none
    return b > a ? 1 : -1
  }
  return compare(amount(from, "limits", name), amount(to, "limits", name), 1) ||
    compare(amount(from, "requests", name), amount(to, "requests", name), -1)
}

const oneSide = (
  name: Resizable,
  from: ResourceRequirements | undefined,
  to: ResourceRequirements | undefined,
  side: Side
): ResourceRequirements => {
  const { [name]: _, ...others } = from?.[side] ?? {}
  const value = to?.[side]?.[name]
  const list = value === undefined ? others : { ...others, [name]: value }
  return Object.keys(list).length === 0 ? {} : { [side]: list }
}

/** `from` with one resource as `to` has it. */
export const withResource = (
  name: Resizable,
  from: ResourceRequirements | undefined,
  to: ResourceRequirements | undefined
): ResourceRequirements => ({
  ...oneSide(name, from, to, "limits"),
  ...oneSide(name, from, to, "requests"),
  ...(from?.claims === undefined ? {} : { claims: from.claims })
})

const fromStatus = (container: Container, status: ContainerStatus | undefined): ResourceRequirements | undefined => {
  if (status?.resources === undefined) return undefined
  const requests = status.allocatedResources ?? status.resources.requests
  return {
    ...(status.resources.limits === undefined ? {} : { limits: status.resources.limits }),
    ...(requests === undefined ? {} : { requests }),
    ...(container.resources?.claims === undefined ? {} : { claims: container.resources.claims })
  }
}

/** What the API object last told of a pod whose record is lost; where it tells nothing, what the spec asks for. */
export const allocationFromStatus = (pod: Pod): Allocation => {
  const { containerStatuses = [], initContainerStatuses = [], resources } = pod.status ?? {}
  const statuses = new Map([...initContainerStatuses, ...containerStatuses].map((status) => [status.name, status]))
  const wanted = allocationOf(pod)
  return {
    ...(wanted.pod === undefined ? {} : { pod: resources ?? wanted.pod }),
    containers: Object.fromEntries(
      containersOf(pod).map((container) => [
        container.name,
        fromStatus(container, statuses.get(container.name)) ?? container.resources ?? {}
      ])
    )
  }
}
