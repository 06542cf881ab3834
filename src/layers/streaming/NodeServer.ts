/** The node's own HTTP(S) server, up for as long as the service: what talks to a kubelet talks to this. */
import { Context, type Option } from "effect"

export class NodeServer extends Context.Service<NodeServer, {
  /** The ports as bound: they differ from those asked for where that was 0. */
  readonly ports: {
    readonly main: number
    readonly readOnly: Option.Option<number>
    readonly healthz: Option.Option<number>
  }
}>()("kubeffect/layers/streaming/NodeServer") {}
