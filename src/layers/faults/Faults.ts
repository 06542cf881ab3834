/**
 * Who decides what becomes of the calls of one agent. The fault layers ask before each call and for each thing that a
 * stream tells; what answers them is a list of faults with dice, a test's own rule, or the end of an agent that was killed.
 */
import { Context, type Effect } from "effect"
import type { OutsideCall, Verdict } from "../../domain/chaos/fault.ts"

export class Faults extends Context.Service<Faults, {
  /** Interrupts whoever asks when its process is no more: nothing that is left of it reaches the outside. */
  readonly verdict: (call: OutsideCall) => Effect.Effect<Verdict>
  /** After a call that no fault struck, before its caller goes on. */
  readonly returned: (call: OutsideCall) => Effect.Effect<void>
}>()("kubeffect/layers/faults/Faults") {}
