/**
 * Resources of a container as its status shows them (parity F4, D17): `allocatedResources` is what the spec grants,
 * `resources` what the runtime has in force. Where both mean the same the spec's own notation stands.
 */
import type { ResourceList } from "../k8s/fields.ts"
import type { ContainerStatus } from "../k8s/podStatus.ts"
import type { Allocation } from "../resize/allocation.ts"
import { milliOfQuota, milliOfShares, quotaOfMilli, sharesOfMilli } from "../resources/cpu.ts"
import { formatQuantity, fromMilli, fromValue, milliOfText, valueOfText } from "../resources/quantity.ts"
import type { ObservedContainer } from "./model.ts"
import type { Slot } from "./spec.ts"

type InForce = NonNullable<ObservedContainer["resources"]>

/** The first of these notations that means what the runtime has; else what it has, in a notation of our own. */
const notation = (texts: ReadonlyArray<string | undefined>, means: (text: string) => boolean, own: () => string) =>
  texts.find((text) => text !== undefined && means(text)) ?? own()

const cpuRequest = (texts: ReadonlyArray<string>, inForce: InForce): string =>
  notation(
    texts,
    (text) => inForce.cpuShares <= 0 || sharesOfMilli(milliOfText(text)) === inForce.cpuShares,
    () => formatQuantity(fromMilli(milliOfShares(inForce.cpuShares)))
  )

const cpuLimit = (texts: ReadonlyArray<string>, inForce: InForce): string =>
  notation(
    texts,
    (text) => inForce.cpuQuota <= 0 || quotaOfMilli(milliOfText(text), inForce.cpuPeriod) === inForce.cpuQuota,
    () => formatQuantity(fromMilli(milliOfQuota(inForce.cpuQuota, inForce.cpuPeriod)))
  )

const memoryLimit = (texts: ReadonlyArray<string>, inForce: InForce): string =>
  notation(
    texts,
    (text) => inForce.memoryLimitBytes <= 0 || valueOfText(text) === inForce.memoryLimitBytes,
    () => formatQuantity(fromValue(inForce.memoryLimitBytes))
  )

const textsOf = (name: string, lists: ReadonlyArray<ResourceList | undefined>): ReadonlyArray<string> =>
  lists.flatMap((list) => list?.[name] ?? [])

/** What is in force: `lists` are what the container has by our own records, then what it was allotted. */
const limitsInForce = (lists: ReadonlyArray<ResourceList | undefined>, inForce: InForce): ResourceList => {
  const [cpu, memory] = [textsOf("cpu", lists), textsOf("memory", lists)]
  return {
    ...lists[0],
    ...(cpu.length === 0 ? {} : { cpu: cpuLimit(cpu, inForce) }),
    ...(memory.length === 0 ? {} : { memory: memoryLimit(memory, inForce) })
  }
}

const requestsInForce = (lists: ReadonlyArray<ResourceList | undefined>, inForce: InForce): ResourceList => {
  const cpu = textsOf("cpu", lists)
  return { ...lists[0], ...(cpu.length === 0 ? {} : { cpu: cpuRequest(cpu, inForce) }) }
}

/** `recorded`: what our own records say that the pod has until its resize is carried out. */
export const resourceFields = (
  slot: Slot,
  record: ObservedContainer,
  recorded: Allocation | undefined
): Pick<ContainerStatus, "allocatedResources" | "resources"> => {
  const granted = slot.container.resources ?? {}
  const actual = record.state === "Running" ? recorded?.containers[slot.name] ?? granted : granted
  const inForce = record.state === "Running" ? record.resources : undefined
  const { limits, requests } = actual
  return {
    ...(granted.requests === undefined ? {} : { allocatedResources: granted.requests }),
    resources: {
      ...(limits === undefined
        ? {}
        : { limits: inForce === undefined ? limits : limitsInForce([limits, granted.limits], inForce) }),
      ...(requests === undefined
        ? {}
        : { requests: inForce === undefined ? requests : requestsInForce([requests, granted.requests], inForce) }),
      ...(granted.claims === undefined ? {} : { claims: granted.claims })
    }
  }
}
