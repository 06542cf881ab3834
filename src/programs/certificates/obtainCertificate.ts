/** One certificate from its key to the folder it is kept in (A11). */
import { Clock, Effect } from "effect"
import type { Template } from "../../domain/certificates/template.ts"
import type { ApiError, KubeApi } from "../../layers/api/KubeApi.ts"
import { X509, type X509Error } from "../../layers/certificates/X509.ts"
import type { HostFileError } from "../../layers/host/HostFiles.ts"
import * as Store from "./certificateStore.ts"
import { NotSigned, requestCertificate } from "./requestCertificate.ts"

export type ObtainError = ApiError | HostFileError | NotSigned | X509Error

export interface Wanted {
  readonly place: Store.Place
  readonly template: Template
  /** Keep the key in the folder until the request is answered, so that an agent that starts anew goes on with both. */
  readonly resumable: boolean
  readonly waitMs: number
  /** Run once the server has the request. */
  readonly submitted: Effect.Effect<void>
}

export const obtain = Effect.fn("obtainCertificate")(function*(
  { place, resumable, submitted, template, waitMs }: Wanted
): Effect.fn.Return<Store.Held, ObtainError, KubeApi | Store.Needs> {
  const key = resumable ? yield* Store.pendingKey(place) : yield* (yield* X509).newKey
  const cert = yield* requestCertificate({ key, resumable, submitted, template, waitMs }).pipe(
    // Who said no to this request would say it to the same one again.
    Effect.tapError((error) =>
      error._tag === "NotSigned" && (error.what === "denied" || error.what === "failed")
        ? Store.forgetPendingKey(place)
        : Effect.void
    )
  )
  const held = yield* Store.put(place, { cert, key })
  yield* Store.forgetPendingKey(place)
  yield* Effect.logInfo(`New certificate for ${place.name}`, {
    notAfter: new Date(held.facts.notAfterMs).toISOString()
  })
  if (held.facts.notAfterMs > (yield* Clock.currentTimeMillis)) return held
  return yield* new NotSigned({ request: place.name, what: "failed", detail: "the certificate has expired already" })
})
