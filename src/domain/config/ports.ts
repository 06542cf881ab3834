/** The ports of a pod as the network plugin maps them (parity K3). */
import type { MessageInitShape } from "@bufbuild/protobuf"
import { type PortMappingSchema, Protocol } from "../../gen/cri/api_pb.ts"
import type { ContainerPort } from "../k8s/container.ts"
import type { Pod } from "../k8s/pod.ts"
import { isSidecar } from "../resources/podResources.ts"

const protocolOf = (name: string | undefined): Protocol => {
  if (name === "UDP") return Protocol.UDP
  return name === "SCTP" ? Protocol.SCTP : Protocol.TCP
}

const keyOf = ({ protocol = "TCP", hostIP = "", hostPort = 0, containerPort }: ContainerPort): string =>
  `${protocol}-${hostIP}-${containerPort}:${hostPort}`

/** One mapping a distinct port of regular containers and sidecars; none on the host's network, where nothing is mapped. */
export const portMappings = (pod: Pod): ReadonlyArray<MessageInitShape<typeof PortMappingSchema>> => {
  if (pod.spec.hostNetwork === true) return []
  const containers = [...pod.spec.containers, ...(pod.spec.initContainers ?? []).filter(isSidecar)]
  return containers.flatMap(({ ports = [] }) =>
    [...new Map(ports.map((port) => [keyOf(port), port])).values()].map((port) => ({
      protocol: protocolOf(port.protocol),
      containerPort: port.containerPort,
      hostPort: port.hostPort ?? 0,
      hostIp: port.hostIP ?? ""
    }))
  )
}
