/** Host ports that two pods would both have (parity C7, K3). */
import type { ContainerPort } from "../k8s/container.ts"
import type { Pod } from "../k8s/pod.ts"
import { isSidecar } from "../resources/podResources.ts"

const anyAddress = "0.0.0.0"

interface HostPort {
  readonly ip: string
  readonly protocol: string
  readonly port: number
}

const hostPort = ({ hostIP, hostPort: port = 0, protocol }: ContainerPort): HostPort => ({
  ip: hostIP === undefined || hostIP === "" ? anyAddress : hostIP,
  protocol: protocol === undefined || protocol === "" ? "TCP" : protocol,
  port
})

const hostPorts = (pod: Pod): ReadonlyArray<HostPort> =>
  [...pod.spec.containers, ...(pod.spec.initContainers ?? []).filter(isSidecar)]
    .flatMap((container) => container.ports ?? [])
    .filter((port) => (port.hostPort ?? 0) > 0)
    .map(hostPort)

const clash = (a: HostPort, b: HostPort): boolean =>
  a.port === b.port && a.protocol === b.protocol && (a.ip === b.ip || a.ip === anyAddress || b.ip === anyAddress)

export const portsAreFree = (pod: Pod, others: ReadonlyArray<Pod>): boolean => {
  const wanted = hostPorts(pod)
  if (wanted.length === 0) return true
  const taken = others.flatMap(hostPorts)
  return !wanted.some((port) => taken.some((other) => clash(port, other)))
}
