/** What the pods' workers and the server need to know of the node: its addresses, its network, its object at the API. */
import { Context, type Effect } from "effect"
import type { Node } from "../../domain/k8s/node.ts"
import type { NodeView } from "../../domain/pod/model.ts"
import type { NodeReading } from "../../layers/host/NodeFacts.ts"

export class NodeState extends Context.Service<NodeState, {
  readonly view: Effect.Effect<NodeView>
  /** The machine, as read at start and refreshed with the node's status. */
  readonly facts: Effect.Effect<NodeReading>
  /** This node's object; undefined before registration and in standalone mode. */
  readonly node: Effect.Effect<Node | undefined>
  readonly setNode: (node: Node) => Effect.Effect<void>
  /** Resources that pods may use: capacity less reservations (parity B7), as quantities. */
  readonly allocatable: Effect.Effect<Readonly<Record<string, string>>>
}>()("kubeffect/programs/node/NodeState") {}
