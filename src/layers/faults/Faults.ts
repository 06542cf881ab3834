/**
 * Who decides what becomes of the calls of one agent. The fault layers ask before each call and for each thing that a
 * stream tells; what answers them is a list of faults with dice, a test's own rule, or the end of an agent that was killed.
 */
import { Clock, Context, Effect, Layer } from "effect"
import type { Fault, OutsideCall, Verdict } from "../../domain/chaos/fault.ts"
import { makeJudge } from "../../domain/chaos/judge.ts"

export class Faults extends Context.Service<Faults, {
  /** Interrupts whoever asks when its process is no more: nothing that is left of it reaches the outside. */
  readonly verdict: (call: OutsideCall) => Effect.Effect<Verdict>
  /** After a call that no fault struck, before its caller goes on. */
  readonly returned: (call: OutsideCall) => Effect.Effect<void>
}>()("kubeffect/layers/faults/Faults") {}

/** The faults of a list that concern the node; times count from when the layer is made. */
export const layer = (faults: ReadonlyArray<Fault>, node: string): Layer.Layer<Faults> =>
  Layer.effect(
    Faults,
    Effect.gen(function*() {
      const startMs = yield* Clock.currentTimeMillis
      const judge = makeJudge(faults, node)
      return Faults.of({
        verdict: (call) => Effect.map(Clock.currentTimeMillis, (now) => judge(call, now - startMs).verdict),
        returned: () => Effect.void
      })
    })
  )
