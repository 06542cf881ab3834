/**
 * Who decides what becomes of the calls of one agent. The fault layers ask before each call and for each thing that a
 * stream tells; what answers them is a list of faults with dice, a test's own rule, or the end of an agent that was killed.
 */
import { type Clock, Context, type Effect } from "effect"
import type { OutsideCall, Verdict } from "../../domain/chaos/fault.ts"
import type { ApiResource } from "../../domain/k8s/resources.ts"
import type { KubeList, Selection } from "../api/KubeApi.ts"

export class Faults extends Context.Service<Faults, {
  /** Interrupts whoever asks when its process is no more: nothing that is left of it reaches the outside. */
  readonly verdict: (call: OutsideCall) => Effect.Effect<Verdict>
  /** After a call that no fault struck, before its caller goes on. */
  readonly returned: (call: OutsideCall) => Effect.Effect<void>
  /** What a list said so many changes ago; undefined where nobody has kept it. */
  readonly past?: (resource: ApiResource, selection: Selection, changes: number) => KubeList | undefined
  /** The agent's machine has a clock that jumps: what is outside goes by this one. */
  readonly clock?: Clock.Clock | undefined
  /** What that clock said at a time of the one outside. */
  readonly wallMs?: ((outsideMs: number) => number) | undefined
}>()("kubeffect/layers/faults/Faults") {}
