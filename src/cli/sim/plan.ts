/** From the command line of `kubeffect sim` to what its nodes are like. */
import { Result, Schema } from "effect"
import { isQuantity, milliOfText, valueOfText } from "../../domain/resources/quantity.ts"
import type { NodeReading } from "../../layers/host/NodeFacts.ts"
import { labelsOf, taintsOf } from "../kubelet/flagValues.ts"

export interface SimWish {
  readonly nodes: number
  readonly nodePrefix: string
  readonly podsCapacity: number
  /** Texts as the command line has them. */
  readonly capacity: string
  readonly labels: string
  readonly taints: string
  readonly address: string
  /** 0: any port that is free. */
  readonly portBase: number
  readonly podCidr: string
  /** Fields of KubeletConfiguration for every node. */
  readonly configuration: Readonly<Record<string, unknown>>
}

export class SimError extends Schema.TaggedError<SimError>()("SimError", { detail: Schema.String }) {
  override get message(): string {
    return this.detail
  }
}

/** What the command line has when nothing is said. */
export const usual: SimWish = {
  nodes: 3,
  nodePrefix: "sim-",
  podsCapacity: 110,
  capacity: "",
  labels: "",
  taints: "",
  address: "127.0.0.1",
  portBase: 0,
  podCidr: "10.128.0.0/9",
  configuration: {}
}

/** What all nodes have in common. */
export interface SimPlan extends Pick<SimWish, "address" | "portBase"> {
  readonly names: ReadonlyArray<string>
  readonly labels: Readonly<Record<string, string>>
  readonly facts: Partial<NodeReading>
  /** Fields of KubeletConfiguration. */
  readonly configuration: Readonly<Record<string, unknown>>
  /** The addresses of the pods of one node. */
  readonly podCidr: (index: number) => string
}

/** Tells simulated nodes from others. */
export const simulatedLabel = "sim.kubeffect.dev/simulated"

const fail = (detail: string) => Result.fail(new SimError({ detail }))

const gib = 2 ** 30

const machineOf = (capacity: string): Result.Result<Partial<NodeReading>, SimError> =>
  Result.gen(function*() {
    const given = yield* Result.mapError(labelsOf([capacity]), (why) => new SimError({ detail: `--capacity: ${why}` }))
    for (const [name, text] of Object.entries(given)) {
      if (!["cpu", "memory", "ephemeral-storage"].includes(name)) {
        return yield* fail(`--capacity: takes cpu, memory and ephemeral-storage, not ${name}`)
      }
      if (!isQuantity(text) || valueOfText(text) <= 0) return yield* fail(`--capacity: ${name}: "${text}" is no amount`)
    }
    const { cpu = "4", "ephemeral-storage": storage = "100Gi", memory = "16Gi" } = given
    const memoryTotalBytes = valueOfText(memory)
    const totalBytes = valueOfText(storage)
    return {
      cpuCount: Math.max(1, Math.ceil(milliOfText(cpu) / 1000)),
      memoryTotalBytes,
      memoryAvailableBytes: Math.max(0, memoryTotalBytes - Math.min(gib, memoryTotalBytes / 16)),
      rootFs: { totalBytes, availableBytes: totalBytes * 0.8, inodes: 6_553_600, inodesFree: 6_000_000 }
    }
  })

/** A node has a `/24` of the range. */
const nodeNetworks = (cidr: string, nodes: number): Result.Result<(index: number) => string, SimError> => {
  const [, a, b, c, d, prefix] = /^(\d+)\.(\d+)\.(\d+)\.(\d+)\/(\d+)$/.exec(cidr) ?? []
  const bits = Number(prefix)
  if (a === undefined || bits > 24) return fail(`--pod-cidr: "${cidr}" is no IPv4 range of /24 or wider`)
  const networks = 2 ** (24 - bits)
  if (networks < nodes) {
    return fail(`--pod-cidr: ${cidr} has ${networks} ranges for ${nodes} nodes, which need one each`)
  }
  const address = [a, b, c, d].reduce((sum, part) => sum * 256 + Number(part), 0)
  const base = Math.floor(address / 2 ** (32 - bits)) * 2 ** (32 - bits)
  return Result.succeed((index) => {
    const network = base + index * 256
    return `${Math.floor(network / 2 ** 24)}.${Math.floor(network / 2 ** 16) % 256}.${
      Math.floor(network / 256) % 256
    }.0/24`
  })
}

export const planSim = (wish: SimWish): Result.Result<SimPlan, SimError> =>
  Result.gen(function*() {
    if (wish.nodes < 1 || wish.nodes > 65_536) return yield* fail(`--nodes: wants 1 to 65536, has ${wish.nodes}`)
    if (!/^[a-z0-9]([a-z0-9.-]*[a-z0-9.-])?$/.test(wish.nodePrefix)) {
      return yield* fail(`--node-prefix: no name of a node begins with "${wish.nodePrefix}"`)
    }
    if (wish.portBase !== 0 && (wish.portBase < 1 || wish.portBase + wish.nodes > 65_536)) {
      return yield* fail(`--port-base: ${wish.nodes} ports from ${wish.portBase} on do not exist`)
    }
    const named = (flag: string) => (why: string) => new SimError({ detail: `${flag}: ${why}` })
    const labels = yield* Result.mapError(labelsOf([wish.labels]), named("--labels"))
    const registerWithTaints = yield* Result.mapError(taintsOf([wish.taints]), named("--taints"))
    return {
      address: wish.address,
      portBase: wish.portBase,
      names: Array.from({ length: wish.nodes }, (_, index) => `${wish.nodePrefix}${index}`),
      labels: { ...labels, [simulatedLabel]: "true" },
      facts: {
        ...yield* machineOf(wish.capacity),
        addresses: [{ interface: "eth0", family: 4, address: wish.address, prefixLength: 24, internal: false }]
      },
      configuration: { ...wish.configuration, maxPods: wish.podsCapacity, registerWithTaints },
      podCidr: yield* nodeNetworks(wish.podCidr, wish.nodes)
    }
  })
