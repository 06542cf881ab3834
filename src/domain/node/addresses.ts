/** Which of the machine's addresses the node is reached at (parity B8). */
import { Result, Schema } from "effect"
import type { NodeAddress } from "../k8s/node.ts"

export interface MachineNetwork {
  readonly hostname: string
  readonly addresses: ReadonlyArray<{
    readonly interface: string
    readonly family: 4 | 6
    readonly address: string
    readonly internal: boolean
  }>
  /** Best first. */
  readonly defaultRoutes: ReadonlyArray<{ readonly family: 4 | 6; readonly interface: string }>
}

/** The address asked for by `--node-ip` is none of this machine's. */
export class NoSuchNodeIp extends Schema.TaggedError<NoSuchNodeIp>()("NoSuchNodeIp", {
  nodeIp: Schema.String
}) {
  override get message(): string {
    return this.nodeIp === ""
      ? "can't get ip address of node: no interface has a usable address"
      : `node IP: "${this.nodeIp}" not found in the host's network interfaces`
  }
}

const isLinkLocal = (address: string): boolean => address.startsWith("169.254.") || /^fe[89ab]/i.test(address)

const familyOf = (address: string): 4 | 6 => address.includes(":") ? 6 : 4

const onDefaultRoute = (machine: MachineNetwork, family: 4 | 6): string | undefined => {
  const usable = machine.addresses.filter((candidate) =>
    candidate.family === family && !candidate.internal && !isLinkLocal(candidate.address)
  )
  const route = machine.defaultRoutes.find((candidate) => candidate.family === family)
  return (usable.find((candidate) => candidate.interface === route?.interface) ?? usable[0])?.address
}

/** The node's addresses, primary family first. `wanted`: the values of `--node-ip`; unspecified ones pick a family. */
export const nodeIps = (
  machine: MachineNetwork,
  wanted: ReadonlyArray<string>
): Result.Result<ReadonlyArray<string>, NoSuchNodeIp> => {
  const found: Array<string> = []
  for (const nodeIp of wanted) {
    const unspecified = nodeIp === "0.0.0.0" || nodeIp === "::"
    const address = unspecified
      ? onDefaultRoute(machine, familyOf(nodeIp))
      : machine.addresses.find((candidate) => candidate.address === nodeIp)?.address
    if (address === undefined) return Result.fail(new NoSuchNodeIp({ nodeIp }))
    found.push(address)
  }
  if (found.length > 0) return Result.succeed(found)
  const address = onDefaultRoute(machine, 4) ?? onDefaultRoute(machine, 6) ??
    // A machine cut off from all networks still runs pods for itself.
    machine.addresses.find((candidate) => candidate.family === 4)?.address
  return address === undefined ? Result.fail(new NoSuchNodeIp({ nodeIp: "" })) : Result.succeed([address])
}

export const nodeAddresses = (ips: ReadonlyArray<string>, hostname: string): ReadonlyArray<NodeAddress> => [
  ...ips.map((address) => ({ type: "InternalIP", address })),
  { type: "Hostname", address: hostname }
]
