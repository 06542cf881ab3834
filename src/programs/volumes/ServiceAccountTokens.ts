/**
 * Tokens of pods' service accounts, bound to the pod and renewed well before they end (parity I7). They live in memory
 * only: an agent that starts anew asks for new ones.
 */
import { Clock, Context, Effect, Layer, Random } from "effect"
import { decodeTokenRequest } from "../../domain/k8s/decode.ts"
import type { Pod } from "../../domain/k8s/pod.ts"
import { serviceAccounts } from "../../domain/k8s/resources.ts"
import { parseTime } from "../../domain/k8s/time.ts"
import type { HeldToken, TokenWish } from "../../domain/volumes/payload.ts"
import { type ApiError, KubeApi } from "../../layers/api/KubeApi.ts"
import * as Renewals from "./Renewals.ts"

export class ServiceAccountTokens
  extends Context.Service<ServiceAccountTokens, Renewals.Renewals<TokenWish, HeldToken>>()(
    "kubeffect/programs/volumes/ServiceAccountTokens"
  )
{}

export const serviceAccountOf = (pod: Pod): string => {
  const name = pod.spec.serviceAccountName ?? ""
  return name === "" ? "default" : name
}

/** Asks for one token. `audience` empty: that of the API server. */
export const requestToken = Effect.fn("requestToken")(function*(pod: Pod, wish: TokenWish) {
  const api = yield* KubeApi
  const { name, namespace, uid } = pod.metadata
  const answer = yield* api.create(
    serviceAccounts,
    {
      apiVersion: "authentication.k8s.io/v1",
      kind: "TokenRequest",
      metadata: {},
      spec: {
        ...(wish.audience === "" ? {} : { audiences: [wish.audience] }),
        expirationSeconds: wish.expirationSeconds,
        boundObjectRef: { apiVersion: "v1", kind: "Pod", name, uid }
      }
    },
    { subresource: { name: "token", of: { namespace, name: serviceAccountOf(pod) } } }
  )
  const { status } = yield* Effect.fromResult(decodeTokenRequest(answer))
  const now = yield* Clock.currentTimeMillis
  const expiresAtMs = parseTime(status?.expirationTimestamp ?? "") ?? now + wish.expirationSeconds * 1000
  return { token: status?.token ?? "", expiresAtMs }
})

const dayMs = 86_400_000
const maxJitterMs = 10_000
/** Clocks that disagree must not make the agent ask without a pause. */
const leastRestMs = 10_000

/** When four fifths of its life are over, or after a day. */
export const refreshAtMs = (issuedAtMs: number, expiresAtMs: number, jitterMs: number): number => {
  const lifeMs = Math.max(0, expiresAtMs - issuedAtMs)
  const due = Math.min(issuedAtMs + 0.8 * lifeMs, issuedAtMs + dayMs) - jitterMs
  return Math.floor(Math.max(due, issuedAtMs + leastRestMs))
}

const keyOf = (uid: string, wish: TokenWish): string => `${uid}/${wish.expirationSeconds}/${wish.audience}`

const failureText = (error: ApiError | { readonly message: string }): string =>
  `failed to fetch token: ${"detail" in error ? error.detail : error.message}`

/** A renewal that fails leaves the old token while it is valid. */
export const layer: Layer.Layer<ServiceAccountTokens, never, KubeApi> = Layer.effect(
  ServiceAccountTokens,
  Renewals.make({
    kind: "token",
    keyOf,
    issue: requestToken,
    restMs: ({ expiresAtMs }, nowMs) =>
      Effect.map(
        Random.nextIntBetween(0, maxJitterMs),
        (jitterMs) => refreshAtMs(nowMs, expiresAtMs, jitterMs) - nowMs
      ),
    isValid: ({ expiresAtMs }, nowMs) => expiresAtMs > nowMs,
    failureText,
    isFinal: () => false
  })
)
