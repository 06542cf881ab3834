/** Who makes the networks of pods: the runtime by itself, or this agent on its behalf. */
import { Context, type Effect } from "effect"

export type NetworkMode = "runtime" | "agent"

export class PodNetwork extends Context.Service<PodNetwork, {
  readonly mode: NetworkMode
  /** Does the agent's part for ever: supervised by the caller, can be started again. */
  readonly run: Effect.Effect<never, { readonly message: string }>
}>()("kubeffect/programs/network/PodNetwork") {}
