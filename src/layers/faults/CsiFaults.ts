/** Faults of CSI drivers: processes of their own, which die, hang, and do what they then do not tell. */
import { Effect, Layer } from "effect"
import type { Failing, OutsideCall } from "../../domain/chaos/fault.ts"
import { isFinal } from "../../domain/csi/outcome.ts"
import { Csi, CsiError } from "../csi/Csi.ts"
import { failureOf } from "../grpc/failureOf.ts"
import { GrpcCode } from "../grpc/Grpc.ts"
import { Faults } from "./Faults.ts"
import { strikeCall, strikeEvery } from "./strike.ts"

/** As long as the live client waits. */
const deadlineMs = 120_000

const errorOf = (how: Failing, { method, target }: OutsideCall) => {
  const late = how === "lost" || how === "timeout"
  const code = late ? GrpcCode.DeadlineExceeded : how === "unavailable" ? GrpcCode.Unavailable : GrpcCode.Internal
  const detail = late ? "context deadline exceeded" : `made up: ${how}`
  const reason = failureOf(code, late ? "sent" : how === "unavailable" ? "unsent" : "answered")
  return new CsiError({ op: method, target, code, detail, reason, final: isFinal(code), cause: detail })
}

/** The volume that a call is about. */
const targetOf = ([request]: ReadonlyArray<unknown>): string => {
  const id: unknown = typeof request === "object" && request !== null ? Reflect.get(request, "volumeId") : undefined
  return typeof id === "string" ? id : ""
}

export const layer: Layer.Layer<Csi, never, Csi | Faults> = Layer.effect(
  Csi,
  Effect.gen(function*() {
    const faults = yield* Faults
    const csi = yield* Csi
    return Csi.of({
      open: (endpoint) =>
        Effect.map(
          csi.open(endpoint),
          (driver) =>
            strikeEvery(driver, (method, args, effect) =>
              strikeCall(faults, { service: "Csi", method, target: targetOf(args) }, effect, { errorOf, deadlineMs }))
        )
    })
  })
)
