/** What the pods' workers and the server need to know of the node: its addresses, its network, its object at the API. */
import { Context, Effect, Layer, SubscriptionRef } from "effect"
import type { Stream } from "effect"
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

export class NodeState extends Context.Service<NodeState, {
  readonly view: Effect.Effect<NodeView>
  /** The machine as last read. */
  readonly facts: Effect.Effect<NodeReading>
  /** Reads the machine again. */
  readonly refresh: Effect.Effect<NodeReading, NodeFactsError>
  /** What runs short, by the machine as last read; held for the transition period (parity M2). */
  readonly pressure: Effect.Effect<Pressure>
  /** The node's addresses, primary family first. */
  readonly ips: Effect.Effect<ReadonlyArray<string>>
  /** This node's object as the API server last showed it; undefined before registration and in standalone mode. */
  readonly node: Effect.Effect<Node | undefined>
  readonly setNode: (node: Node) => Effect.Effect<void>
  readonly nodeChanges: Stream.Stream<Node | undefined>
  /** Quantities by resource name (parity B7). */
  readonly sizes: Effect.Effect<{ readonly capacity: Quantities; readonly allocatable: Quantities }>
  readonly allocatable: Effect.Effect<Quantities>
}>()("kubeffect/programs/node/NodeState") {}

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

    const refresh = Effect.map(host.read, (reading) => {
      // Simulated machines mostly say what they said before.
      if (reading === facts) return reading
      facts = reading
      own = ownSizes(reading)
      const found = nodeIps(reading, config.nodeIps)
      // An address that is gone for a moment is kept: pods and the API server go on to know the node by it.
      if (found._tag === "Success") ips = found.success
      return reading
    })

    const pressure = Effect.clockWith((clock) => {
      const short = pressureOf(facts, config.evictionHard)
      const nowMs = clock.currentTimeMillisUnsafe()
      const held = heldPressure(pressureSeen, short, nowMs, config.evictionPressureTransitionMs)
      pressureSeen = held.seen
      return Effect.succeed(held.pressure)
    })

    const sizes = Effect.map(devices.quantities, ({ allocatable, capacity }) => ({
      capacity: { ...own.capacity, ...capacity },
      allocatable: { ...own.allocatable, ...allocatable }
    }))

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
      refresh,
      ips: Effect.sync(() => ips),
      node: SubscriptionRef.get(node),
      setNode: (next) => SubscriptionRef.set(node, next),
      nodeChanges: SubscriptionRef.changes(node),
      sizes,
      allocatable: Effect.map(sizes, ({ allocatable }) => allocatable)
    })
  })
)
