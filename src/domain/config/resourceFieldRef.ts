/** Requests and limits of a container by name, for variables and downward API files (parity E3). */
import { Result } from "effect"
import type { Container, ResourceFieldSelector } from "../k8s/container.ts"
import type { ResourceList } from "../k8s/fields.ts"
import type { Pod } from "../k8s/pod.ts"
import { milliValueOf, type Quantity, quantityOf, valueOf, zero } from "../resources/quantity.ts"
import { isHugePages } from "../resources/resourceLists.ts"
import { type ContainerConfigError, invalid } from "./configError.ts"

const ceilDivide = (a: bigint, b: bigint): bigint => (a + b - 1n) / b

/** How often the divisor fits, rounded up; CPU counts in thousandths, all else in whole units. */
const divided = (amount: Quantity, divisorText: string, inMilli: boolean): string => {
  const divisor = quantityOf(divisorText)
  const unit = inMilli ? milliValueOf : valueOf
  return `${ceilDivide(unit(amount), unit(divisor))}`
}

const computeResources = ["cpu", "memory", "ephemeral-storage"]

const smaller = (a: Quantity, b: Quantity | undefined): Quantity => b !== undefined && b.nano < a.nano ? b : a

/** A missing limit means as much as the pod may use, or all the node gives to pods. */
const effectiveLimit = (pod: Pod, container: Container, name: string, allocatable: ResourceList): Quantity => {
  const own = container.resources?.limits?.[name]
  const limit = own === undefined ? zero : quantityOf(own)
  if (limit.nano !== 0n || !computeResources.includes(name)) return limit
  const ofNode = allocatable[name]
  const ofPod = pod.spec.resources?.limits?.[name]
  if (ofNode === undefined) return ofPod === undefined ? limit : quantityOf(ofPod)
  return smaller(quantityOf(ofNode), ofPod === undefined ? undefined : quantityOf(ofPod))
}

const containersOf = (pod: Pod): ReadonlyArray<Container> => [
  ...pod.spec.containers,
  ...(pod.spec.initContainers ?? [])
]

/** The number a `resourceFieldRef` stands for; `own` is the container that it is in, if any. */
export const resourceFieldText = (
  selector: ResourceFieldSelector,
  pod: Pod,
  own: Container | undefined,
  allocatable: ResourceList
): Result.Result<string, ContainerConfigError> => {
  const named = selector.containerName ?? ""
  const container = named === "" ? own : containersOf(pod).find(({ name }) => name === named)
  if (container === undefined) return Result.fail(invalid(`container ${named} not found`))
  const dot = selector.resource.indexOf(".")
  const [side, name] = [selector.resource.slice(0, dot), selector.resource.slice(dot + 1)]
  if ((side !== "limits" && side !== "requests") || !(computeResources.includes(name) || isHugePages(name))) {
    return Result.fail(invalid(`unsupported container resource : ${selector.resource}`))
  }
  const request = container.resources?.requests?.[name]
  const amount = side === "limits"
    ? effectiveLimit(pod, container, name, allocatable)
    : request === undefined
    ? zero
    : quantityOf(request)
  const divisor = selector.divisor ?? "0"
  return Result.succeed(divided(amount, quantityOf(divisor).nano === 0n ? "1" : divisor, name === "cpu"))
}
