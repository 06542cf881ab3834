/** Where pods live in the tree of control groups, by either driver (parity L1). */
import type { QosClass } from "./qos.ts"

export type CgroupDriver = "cgroupfs" | "systemd"

export interface CgroupNaming {
  readonly driver: CgroupDriver
  /** `cgroupRoot` of the configuration, `/` by default. */
  readonly root: string
  /** `cgroupsPerQOS`: without it pods are put straight below the root. */
  readonly perQos: boolean
}

export const defaultNaming: CgroupNaming = { driver: "cgroupfs", root: "/", perQos: true }

const componentsOf = (path: string): ReadonlyArray<string> => path.split("/").filter((part) => part !== "")

/** A slice's name repeats its ancestors': a, b, c → a.slice/a-b.slice/a-b-c.slice. */
const slicePath = (components: ReadonlyArray<string>): string => {
  const escaped = components.map((part) => part.replaceAll("-", "_"))
  return escaped.map((_, depth) => `/${escaped.slice(0, depth + 1).join("-")}.slice`).join("")
}

/** The absolute path of a group, given its logical components. */
export const cgroupPath = (driver: CgroupDriver, components: ReadonlyArray<string>): string => {
  if (components.length === 0) return "/"
  return driver === "systemd" ? slicePath(components) : `/${components.join("/")}`
}

const podsComponents = (naming: CgroupNaming): ReadonlyArray<string> =>
  naming.perQos ? [...componentsOf(naming.root), "kubepods"] : componentsOf(naming.root)

const qosComponents = (naming: CgroupNaming, qos: QosClass): ReadonlyArray<string> =>
  !naming.perQos || qos === "Guaranteed" ? podsComponents(naming) : [...podsComponents(naming), qos.toLowerCase()]

/** The group all pods are in; the root itself without groups per QoS class. */
export const podsCgroup = (naming: CgroupNaming): string => cgroupPath(naming.driver, podsComponents(naming))

/** The group of one QoS class; guaranteed pods have none of their own. */
export const qosCgroup = (naming: CgroupNaming, qos: QosClass): string =>
  cgroupPath(naming.driver, qosComponents(naming, qos))

/** The group of one pod, which is also the `cgroup_parent` of its sandbox. */
export const podCgroup = (naming: CgroupNaming, qos: QosClass, uid: string): string =>
  naming.perQos
    ? cgroupPath(naming.driver, [...qosComponents(naming, qos), `pod${uid}`])
    : qosCgroup(naming, qos)

/** The pod's UID in the name of a group (its last path component), or undefined for groups that are no pod's. */
export const podUidOfCgroup = (driver: CgroupDriver, name: string): string | undefined => {
  const found = driver === "systemd" ? /(?:^|-)pod([^-]+)\.slice$/.exec(name) : /^pod(.+)$/.exec(name)
  return driver === "systemd" ? found?.[1]?.replaceAll("_", "-") : found?.[1]
}
