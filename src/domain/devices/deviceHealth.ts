/** How the devices of a pod's containers are, as its status tells it (parity L12, gate ResourceHealthStatus). */
import type { ContainerStatus, PodStatus, ResourceStatus } from "../k8s/podStatus.ts"
import type { DeviceHolding } from "./allocations.ts"
import type { DeviceResources } from "./plugins.ts"

/** Of a plugin that is gone nothing is known. */
const healthOf = (id: string, resource: string, resources: DeviceResources): string => {
  const known = resources.get(resource)
  if (known === undefined || known.goneAtMs !== undefined) return "Unknown"
  return known.devices.get(id)?.healthy === true ? "Healthy" : "Unhealthy"
}

/** The status with it; the same one for a pod without devices. */
export const withDeviceHealth = (
  status: PodStatus,
  podUid: string,
  holdings: ReadonlyArray<DeviceHolding>,
  resources: DeviceResources
): PodStatus => {
  const mine = holdings.filter((held) => held.podUid === podUid)
  if (mine.length === 0) return status
  const of = (container: string): ReadonlyArray<ResourceStatus> =>
    mine.filter((held) => held.container === container).map(({ ids, resource }) => ({
      name: resource,
      resources: ids.map((id) => ({ resourceID: id, health: healthOf(id, resource, resources) }))
    }))
  const told = (statuses: ReadonlyArray<ContainerStatus>) =>
    statuses.map((each) => {
      const devices = of(each.name)
      return devices.length === 0 ? each : { ...each, allocatedResourcesStatus: devices }
    })
  return {
    ...status,
    ...(status.containerStatuses === undefined ? {} : { containerStatuses: told(status.containerStatuses) }),
    ...(status.initContainerStatuses === undefined ? {} : { initContainerStatuses: told(status.initContainerStatuses) })
  }
}
