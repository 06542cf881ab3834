/** Addresses of a pod and its node, at most one a family, the node's primary family first (parity F5). */
import type { PodIP, PodStatus } from "../k8s/podStatus.ts"
import type { Scene } from "./scene.ts"

const isV6 = (ip: string): boolean => ip.includes(":")

const onePerFamily = (ips: ReadonlyArray<string>, v6First: boolean): ReadonlyArray<string> => {
  const v4 = ips.find((ip) => !isV6(ip))
  const v6 = ips.find(isV6)
  return (v6First ? [v6, v4] : [v4, v6]).filter((ip) => ip !== undefined)
}

const asList = (ips: ReadonlyArray<string>): ReadonlyArray<PodIP> => ips.map((ip) => ({ ip }))

/** The host network's addresses stay what they were, except that a second family may join. */
const hostNetworkIps = (old: ReadonlyArray<string>, hostIPs: ReadonlyArray<string>): ReadonlyArray<string> => {
  const first = old[0]
  if (first === undefined) return hostIPs
  const second = hostIPs.find((ip) => isV6(ip) !== isV6(first))
  return old.length === 1 && second !== undefined ? [first, second] : old
}

type Addresses = Pick<PodStatus, "hostIP" | "hostIPs" | "podIP" | "podIPs">

export const podAddresses = (scene: Scene, nodeIPs: ReadonlyArray<string>): Addresses => {
  const hostIPs = onePerFamily(nodeIPs, nodeIPs[0] !== undefined && isV6(nodeIPs[0]))
  const old = (scene.view.memory.lastStatus?.podIPs ?? []).flatMap(({ ip }) => ip === undefined ? [] : [ip])
  const newest = scene.view.observed.sandboxes[0]
  const own = newest?.ready === true ? newest.ips : []
  // A sandbox that has gone takes its address with it; users still see the last one.
  const podIPs = scene.view.pod.spec.hostNetwork === true
    ? hostNetworkIps(old, hostIPs)
    : own.length > 0
    ? onePerFamily(own, hostIPs[0] !== undefined && isV6(hostIPs[0]))
    : old
  return {
    ...(hostIPs[0] === undefined ? {} : { hostIP: hostIPs[0], hostIPs: asList(hostIPs) }),
    ...(podIPs[0] === undefined ? {} : { podIP: podIPs[0], podIPs: asList(podIPs) })
  }
}
