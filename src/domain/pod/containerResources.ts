/**
 * Resources of a container as its status shows them (parity F4, D17): `allocatedResources` is what the spec grants,
 * `resources` what the runtime has in force. Where both mean the same the spec's own notation stands.
 */
import type { ResourceList } from "../k8s/fields.ts"
import type { ContainerStatus } from "../k8s/podStatus.ts"
import { milliOfQuota, milliOfShares, quotaOfMilli, sharesOfMilli } from "../resources/cpu.ts"
import { formatQuantity, fromMilli, fromValue, milliOfText, valueOfText } from "../resources/quantity.ts"
import type { ObservedContainer } from "./model.ts"
import type { Slot } from "./spec.ts"

type InForce = NonNullable<ObservedContainer["resources"]>

const cpuRequest = (granted: string, inForce: InForce): string =>
  inForce.cpuShares <= 0 || sharesOfMilli(milliOfText(granted)) === inForce.cpuShares
    ? granted
    : formatQuantity(fromMilli(milliOfShares(inForce.cpuShares)))

const cpuLimit = (granted: string, inForce: InForce): string =>
  inForce.cpuQuota <= 0 || quotaOfMilli(milliOfText(granted), inForce.cpuPeriod) === inForce.cpuQuota
    ? granted
    : formatQuantity(fromMilli(milliOfQuota(inForce.cpuQuota, inForce.cpuPeriod)))

const memoryLimit = (granted: string, inForce: InForce): string =>
  inForce.memoryLimitBytes <= 0 || valueOfText(granted) === inForce.memoryLimitBytes
    ? granted
    : formatQuantity(fromValue(inForce.memoryLimitBytes))

const limitsInForce = (limits: ResourceList, inForce: InForce): ResourceList => ({
  ...limits,
  ...(limits["cpu"] === undefined ? {} : { cpu: cpuLimit(limits["cpu"], inForce) }),
  ...(limits["memory"] === undefined ? {} : { memory: memoryLimit(limits["memory"], inForce) })
})

const requestsInForce = (requests: ResourceList, inForce: InForce): ResourceList => ({
  ...requests,
  ...(requests["cpu"] === undefined ? {} : { cpu: cpuRequest(requests["cpu"], inForce) })
})

export const resourceFields = (
  slot: Slot,
  record: ObservedContainer
): Pick<ContainerStatus, "allocatedResources" | "resources"> => {
  const { claims, limits, requests } = slot.container.resources ?? {}
  const inForce = record.state === "Running" ? record.resources : undefined
  return {
    ...(requests === undefined ? {} : { allocatedResources: requests }),
    resources: {
      ...(limits === undefined ? {} : { limits: inForce === undefined ? limits : limitsInForce(limits, inForce) }),
      ...(requests === undefined
        ? {}
        : { requests: inForce === undefined ? requests : requestsInForce(requests, inForce) }),
      ...(claims === undefined ? {} : { claims })
    }
  }
}
