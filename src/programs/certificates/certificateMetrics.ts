/** The kubelet's metrics of certificates it asks for (A12, A13). */
import { Effect, Metric } from "effect"
import { expiryName } from "../../domain/stats/certificateMetrics.ts"

export type Purpose = "client" | "server"

/** Of these the server makes the kubelet's seconds to live, at the moment it is asked for them. */
const expiry = Metric.gauge(expiryName, {
  description: "When the certificate that this node asked for expires, in seconds since the epoch."
})

const errors = {
  client: Metric.counter("kubelet_certificate_manager_client_expiration_renew_errors", {
    description: "Counter of certificate renewal errors.",
    incremental: true
  }),
  server: Metric.counter("kubelet_server_expiration_renew_errors", {
    description: "Counter of certificate renewal errors.",
    incremental: true
  })
}

const lifetime = Metric.histogram("kubelet_certificate_manager_server_rotation_seconds", {
  description: "Histogram of the number of seconds the previous certificate lived before being rotated.",
  boundaries: [60, 3_600, 14_400, 86_400, 604_800, 2_592_000, 7_776_000, 15_552_000, 31_104_000, 124_416_000]
})

/** None: there is no valid one. */
export const expires = (purpose: Purpose, notAfterMs: number | undefined): Effect.Effect<void> =>
  Metric.update(
    Metric.withAttributes(expiry, { certificate: purpose }),
    notAfterMs === undefined ? Infinity : notAfterMs / 1000
  )

export const countError = (purpose: Purpose): Effect.Effect<void> => Metric.update(errors[purpose], 1)

/** Counters are there from the start, so that the first error is seen as a change. */
export const begin = (purpose: Purpose): Effect.Effect<void> =>
  Effect.andThen(Metric.update(errors[purpose], 0), expires(purpose, undefined))

export const replaced = (purpose: Purpose, livedMs: number): Effect.Effect<void> =>
  purpose === "server" ? Metric.update(lifetime, livedMs / 1000) : Effect.void
