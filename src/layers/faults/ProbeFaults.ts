/** Faults of probes: tries that could not be made, and answers that come late. */
import { Effect, Layer } from "effect"
import type { Failing, OutsideCall } from "../../domain/chaos/fault.ts"
import { Retryable } from "../../domain/failure.ts"
import { ProbeError, Prober } from "../probes/Prober.ts"
import { Faults } from "./Faults.ts"
import { strikeCall, strikeEvery } from "./strike.ts"

const errorOf = (how: Failing, { method, target }: OutsideCall) =>
  new ProbeError({ op: method, target, reason: new Retryable({}), detail: `made up: ${how}` })

export const layer: Layer.Layer<Prober, never, Prober | Faults> = Layer.effect(
  Prober,
  Effect.gen(function*() {
    const faults = yield* Faults
    return strikeEvery(yield* Prober, (method, args, effect) => {
      const deadlineMs = typeof args[1] === "number" ? args[1] : 1000
      return strikeCall(faults, { service: "Prober", method, target: "" }, effect, { errorOf, deadlineMs })
    })
  })
)
