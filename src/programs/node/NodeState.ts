/** What the pods' workers and the server need to know of the node: its addresses, its network, its object at the API. */
import { Context, Effect, Layer, SubscriptionRef } from "effect"
import type { Stream } from "effect"
import type { DeviceQuantities } from "../../domain/devices/plugins.ts"
import type { Node } from "../../domain/k8s/node.ts"
import { nodeIps } from "../../domain/node/addresses.ts"
import type { NoSuchNodeIp } from "../../domain/node/addresses.ts"
import { allocatableOf, capacityOf } from "../../domain/node/capacity.ts"
import type { Pressure } from "../../domain/node/conditions.ts"
import { heldPressure, neverSeen, pressureOf } from "../../domain/node/pressure.ts"
import type { NodeView } from "../../domain/pod/model.ts"
import { NodeFacts, type NodeFactsError, type NodeReading } from "../../layers/host/NodeFacts.ts"
import { AgentConfig } from "../AgentConfig.ts"
import { Devices } from "../devices/Devices.ts"
import { RuntimeHealth } from "../runtime/RuntimeHealth.ts"

type Quantities = Readonly<Record<string, string>>

interface Sizes {
  readonly capacity: Quantities
  readonly allocatable: Quantities
}

/** What there is to say of the machine: the same objects for as long as nothing in them is new. */
export interface MachineSight {
  readonly machine: NodeReading
  readonly ips: ReadonlyArray<string>
  readonly pressure: Pressure
  readonly sizes: Sizes
  /** As the API server has it. */
  readonly shown: Node | undefined
}

export class NodeState extends Context.Service<NodeState, {
  readonly view: Effect.Effect<NodeView>
  /** The machine as last read. */
  readonly facts: Effect.Effect<NodeReading>
  /** Reads the machine again; where that cannot be, what was read last stands. */
  readonly look: Effect.Effect<MachineSight>
  /** What runs short, by the machine as last read; held for the transition period (parity M2). */
  readonly pressure: Effect.Effect<Pressure>
  /** The node's addresses, primary family first. */
  readonly ips: Effect.Effect<ReadonlyArray<string>>
  /** This node's object as the API server last showed it; undefined before registration and in standalone mode. */
  readonly node: Effect.Effect<Node | undefined>
  readonly setNode: (node: Node) => Effect.Effect<void>
  readonly nodeChanges: Stream.Stream<Node | undefined>
  /** Quantities by resource name (parity B7). */
  readonly sizes: Effect.Effect<Sizes>
  readonly allocatable: Effect.Effect<Quantities>
}>()("kubeffect/programs/node/NodeState") {}

/** What the machine has and what its devices add; the same object again for the same two. */
const makeSizes = () => {
  let last: { readonly own: Sizes; readonly devices: DeviceQuantities; readonly sizes: Sizes } | undefined
  return (own: Sizes, devices: DeviceQuantities): Sizes => {
    if (last?.own === own && last.devices === devices) return last.sizes
    const sizes = {
      capacity: { ...own.capacity, ...devices.capacity },
      allocatable: { ...own.allocatable, ...devices.allocatable }
    }
    last = { own, devices, sizes }
    return sizes
  }
}

/** Fails when the machine cannot be read, or has no address that the node could be reached at. */
export const layer: Layer.Layer<
  NodeState,
  NodeFactsError | NoSuchNodeIp,
  AgentConfig | Devices | NodeFacts | RuntimeHealth
> = Layer.effect(
  NodeState,
  Effect.gen(function*() {
    const config = yield* AgentConfig
    const devices = yield* Devices
    const host = yield* NodeFacts
    const health = yield* RuntimeHealth
    const first = yield* host.read
    // Plain variables and few steps: a node reads and tells all of this every ten seconds, changed or not.
    let facts = first
    let ips = yield* Effect.fromResult(nodeIps(first, config.nodeIps))
    const ownSizes = (reading: NodeReading) => ({
      capacity: capacityOf(reading, config),
      allocatable: allocatableOf(reading, config)
    })
    let own = ownSizes(first)
    let pressureSeen = neverSeen
    const node = yield* SubscriptionRef.make<Node | undefined>(undefined)

    const take = (reading: NodeReading): void => {
      // Simulated machines mostly say what they said before.
      if (reading === facts) return
      facts = reading
      own = ownSizes(reading)
      const found = nodeIps(reading, config.nodeIps)
      // An address that is gone for a moment is kept: pods and the API server go on to know the node by it.
      if (found._tag === "Success") ips = found.success
    }

    const pressureAt = (nowMs: number): Pressure => {
      const short = pressureOf(facts, config.evictionHard)
      const held = heldPressure(pressureSeen, short, nowMs, config.evictionPressureTransitionMs)
      pressureSeen = held.seen
      return held.pressure
    }
    const pressure = Effect.clockWith((clock) => Effect.succeed(pressureAt(clock.currentTimeMillisUnsafe())))

    const sizesOf = makeSizes()
    const sizes = Effect.map(devices.quantities, (quantities) => sizesOf(own, quantities))

    const seen = Effect.clockWith((clock) =>
      Effect.map(devices.quantities, (quantities): MachineSight => ({
        machine: facts,
        ips,
        pressure: pressureAt(clock.currentTimeMillisUnsafe()),
        sizes: sizesOf(own, quantities),
        shown: SubscriptionRef.getUnsafe(node)
      }))
    )
    const look = Effect.flatMap(Effect.catch(host.read, () => Effect.sync(() => facts)), (reading) => {
      take(reading)
      return seen
    })

    return NodeState.of({
      pressure,
      view: Effect.gen(function*() {
        const { handlers, networkProblem, runtimeProblem } = yield* health.status
        const networkMessage = networkProblem === "" ? runtimeProblem : networkProblem
        return {
          nodeName: config.nodeName,
          hostIPs: ips,
          networkReady: networkProblem === "",
          networkMessage,
          maxRestartDelayMs: config.maxRestartDelayMs,
          recursiveReadOnlyHandlers: handlers
            .filter(({ recursiveReadOnlyMounts }) => recursiveReadOnlyMounts)
            .map(({ name }) => name)
        }
      }),
      facts: Effect.sync(() => facts),
      look,
      ips: Effect.sync(() => ips),
      node: SubscriptionRef.get(node),
      setNode: (next) => SubscriptionRef.set(node, next),
      nodeChanges: SubscriptionRef.changes(node),
      sizes,
      allocatable: Effect.map(sizes, ({ allocatable }) => allocatable)
    })
  })
)
