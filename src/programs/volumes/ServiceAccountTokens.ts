/**
 * Tokens of pods' service accounts, bound to the pod and renewed well before they end (parity I7). They live in memory
 * only: an agent that starts anew asks for new ones.
 */
import { Clock, Context, Effect, FiberMap, Layer, Random, Result } from "effect"
import { Lookup } from "../../domain/config/lookups.ts"
import { decodeTokenRequest } from "../../domain/k8s/decode.ts"
import type { Pod } from "../../domain/k8s/pod.ts"
import { serviceAccounts } from "../../domain/k8s/resources.ts"
import { parseTime } from "../../domain/k8s/time.ts"
import type { HeldToken, TokenWish } from "../../domain/volumes/payload.ts"
import { type ApiError, KubeApi } from "../../layers/api/KubeApi.ts"
import * as KeyedMailbox from "../KeyedMailbox.ts"

export class ServiceAccountTokens extends Context.Service<ServiceAccountTokens, {
  /** Holds these tokens for the pod from now on, and no others; repeatable. Returns at once. */
  readonly want: (pod: Pod, wishes: ReadonlyArray<TokenWish>) => Effect.Effect<void>
  readonly drop: (uid: string) => Effect.Effect<void>
  /** What is held now; `undefined` until the server has answered once. */
  readonly held: (uid: string, wish: TokenWish) => Effect.Effect<Lookup<HeldToken> | undefined>
  /** UIDs of pods whose tokens changed. One consumer. */
  readonly changed: Effect.Effect<ReadonlyArray<string>>
}>()("kubeffect/programs/volumes/ServiceAccountTokens") {}

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
const firstRetryMs = 500
const maxRetryMs = 30_000

/** When four fifths of its life are over, or after a day. */
export const refreshAtMs = (issuedAtMs: number, expiresAtMs: number, jitterMs: number): number => {
  const lifeMs = Math.max(0, expiresAtMs - issuedAtMs)
  const due = Math.min(issuedAtMs + 0.8 * lifeMs, issuedAtMs + dayMs) - jitterMs
  return Math.floor(Math.max(due, issuedAtMs + leastRestMs))
}

const keyOf = (uid: string, wish: TokenWish): string => `${uid}/${wish.expirationSeconds}/${wish.audience}`

const failureText = (error: ApiError | { readonly message: string }): string =>
  `failed to fetch token: ${"detail" in error ? error.detail : error.message}`

type Holder = Map<string, Lookup<HeldToken>>

/** Keeps one token fresh for ever. A renewal that fails leaves the old token while it is valid. */
const keepFresh = Effect.fnUntraced(function*(pod: Pod, wish: TokenWish, held: Holder, tell: Effect.Effect<void>) {
  const key = keyOf(pod.metadata.uid, wish)
  let failures = 0
  while (true) {
    const answer = yield* Effect.result(requestToken(pod, wish))
    const now = yield* Clock.currentTimeMillis
    if (Result.isSuccess(answer)) {
      failures = 0
      held.set(key, Lookup.Found({ value: answer.success }))
      yield* tell
      const jitterMs = yield* Random.nextIntBetween(0, maxJitterMs)
      yield* Effect.sleep(refreshAtMs(now, answer.success.expiresAtMs, jitterMs) - now)
      continue
    }
    failures += 1
    const old = held.get(key)
    yield* Effect.logWarning(`no token for ${pod.metadata.namespace}/${serviceAccountOf(pod)}`, answer.failure)
    if (old?._tag !== "Found" || old.value.expiresAtMs <= now) {
      held.set(key, Lookup.Failed({ message: failureText(answer.failure) }))
      yield* tell
    }
    yield* Effect.sleep(Math.min(maxRetryMs, firstRetryMs * 2 ** Math.min(failures - 1, 20)))
  }
})

export const layer: Layer.Layer<ServiceAccountTokens, never, KubeApi> = Layer.effect(
  ServiceAccountTokens,
  Effect.gen(function*() {
    const api = yield* KubeApi
    const mailbox = yield* KeyedMailbox.make
    const fibers = yield* FiberMap.make<string, void>()
    const held: Holder = new Map()
    const byPod = new Map<string, ReadonlySet<string>>()

    const forget = (key: string) => Effect.andThen(FiberMap.remove(fibers, key), Effect.sync(() => held.delete(key)))

    const retain = Effect.fnUntraced(function*(uid: string, keys: ReadonlySet<string>) {
      const gone = [...byPod.get(uid) ?? []].filter((key) => !keys.has(key))
      if (keys.size === 0) byPod.delete(uid)
      else byPod.set(uid, keys)
      yield* Effect.forEach(gone, forget, { discard: true })
    })

    return ServiceAccountTokens.of({
      want: Effect.fnUntraced(function*(pod: Pod, wishes: ReadonlyArray<TokenWish>) {
        const { uid } = pod.metadata
        yield* retain(uid, new Set(wishes.map((wish) => keyOf(uid, wish))))
        for (const wish of wishes) {
          const keep = keepFresh(pod, wish, held, mailbox.offer(uid)).pipe(Effect.provideService(KubeApi, api))
          yield* FiberMap.run(fibers, keyOf(uid, wish), keep, { onlyIfMissing: true })
        }
      }),
      drop: (uid) => retain(uid, new Set()),
      held: (uid, wish) => Effect.sync(() => held.get(keyOf(uid, wish))),
      changed: mailbox.takeAll
    })
  })
)
