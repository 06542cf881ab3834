/**
 * What device plugins have told of their devices (parity L12), and what that makes of the node: how many of each there
 * are, and how many of them are well.
 */
export const supportedVersion = "v1beta1"

/** A plugin that is gone is expected back for this long; then its resource is none of the node's any more. */
const returnMs = 300_000

export interface Device {
  readonly id: string
  readonly healthy: boolean
  /** NUMA nodes that it is near to. */
  readonly numaNodes: ReadonlyArray<number>
}

/** One resource, as its newest plugin has it. */
export interface DeviceResource {
  /** Of the plugin's socket. */
  readonly endpoint: string
  readonly devices: ReadonlyMap<string, Device>
  readonly preStartRequired: boolean
  readonly hasPreference: boolean
  /** Since when its plugin is gone; undefined while it is there. */
  readonly goneAtMs: number | undefined
}

export type DeviceResources = ReadonlyMap<string, DeviceResource>

/** Why a plugin may not offer its resource; undefined when it may. */
export const registrationProblem = (version: string, resource: string): string | undefined => {
  if (version !== supportedVersion) {
    return `requested API version ${JSON.stringify(version)} is not supported by kubelet. Supported version is ${
      JSON.stringify(supportedVersion)
    }`
  }
  return isExtendedResource(resource) ? undefined : `the ResourceName ${JSON.stringify(resource)} is invalid`
}

const isExtendedResource = (name: string): boolean =>
  /^[a-z0-9]([-a-z0-9.]*[a-z0-9])?\/[A-Za-z0-9]([-A-Za-z0-9_.]*[A-Za-z0-9])?$/.test(name) &&
  !/(^|\.)kubernetes\.io\//.test(name) && !name.startsWith("requests.") && name.length <= 253

/** Devices that can be given out now: healthy, and of a plugin that is there. */
export const healthyDevices = ({ devices, goneAtMs }: DeviceResource): ReadonlyArray<Device> =>
  goneAtMs === undefined ? [...devices.values()].filter(({ healthy }) => healthy) : []

export interface DeviceQuantities {
  readonly capacity: Readonly<Record<string, string>>
  readonly allocatable: Readonly<Record<string, string>>
}

/** Most nodes have no devices; who looks again and again sees that it is the same nothing. */
const none: DeviceQuantities = { capacity: {}, allocatable: {} }

/** A resource that no plugin has any more stays at none: leaving it out would leave the old number on the node. */
export const deviceQuantities = (resources: DeviceResources, nowMs: number): DeviceQuantities => {
  if (resources.size === 0) return none
  const counts = (count: (resource: DeviceResource) => number) =>
    Object.fromEntries([...resources].map(([name, resource]) => {
      const lost = resource.goneAtMs !== undefined && nowMs - resource.goneAtMs >= returnMs
      return [name, String(lost ? 0 : count(resource))]
    }))
  return {
    capacity: counts(({ devices }) => devices.size),
    allocatable: counts((resource) => healthyDevices(resource).length)
  }
}
