/**
 * The cluster's trust bundles, watched as a whole from the first pod that shows one (parity I8). Which version of the
 * interface the server has is found out then; a server without it has no bundles to show.
 */
import { Context, Effect, FiberHandle, Layer, Result, Stream } from "effect"
import { Lookup } from "../../domain/config/lookups.ts"
import type { ClusterTrustBundle } from "../../domain/k8s/clusterTrustBundle.ts"
import { decodeClusterTrustBundle } from "../../domain/k8s/decode.ts"
import { type ApiResource, clusterTrustBundles, clusterTrustBundlesAlpha } from "../../domain/k8s/resources.ts"
import { trustAnchors, type TrustWish } from "../../domain/volumes/trustBundles.ts"
import { KubeApi, type KubeObject } from "../../layers/api/KubeApi.ts"
import { AgentConfig } from "../AgentConfig.ts"
import { Change, reflect } from "../api/reflector.ts"
import * as KeyedMailbox from "../KeyedMailbox.ts"
import { supervise } from "../supervise.ts"

export class TrustBundles extends Context.Service<TrustBundles, {
  /** Watches for the pod from now on, while `wanted`; repeatable. */
  readonly want: (uid: string, wanted: boolean) => Effect.Effect<void>
  /** PEM of the authorities; `undefined` until the server has answered once. */
  readonly anchors: (wish: TrustWish) => Effect.Effect<Lookup<string> | undefined>
  /** UIDs of the pods that show bundles, when any of these changed. One consumer. */
  readonly changed: Effect.Effect<ReadonlyArray<string>>
}>()("kubeffect/programs/volumes/TrustBundles") {}

const unsupported = Lookup.Failed({
  message: "ClusterTrustBundle projection is not supported in static kubelet mode"
})

const decoded = (object: KubeObject): ReadonlyArray<ClusterTrustBundle> => {
  const bundle = decodeClusterTrustBundle(object)
  return Result.isSuccess(bundle) ? [bundle.success] : []
}

type Bundles = ReadonlyMap<string, ClusterTrustBundle>

const after = (before: Bundles, change: Change): Bundles =>
  Change.$match(change, {
    Snapshot: ({ objects }) => new Map(objects.flatMap(decoded).map((one) => [one.metadata.name, one])),
    Upsert: ({ object }) => new Map([...before, ...decoded(object).map((one) => [one.metadata.name, one] as const)]),
    Remove: ({ object }) => new Map([...before].filter(([name]) => name !== object.metadata.name))
  })

/** Undefined for a server that does not serve them. */
const servedVersion = Effect.gen(function*() {
  const api = yield* KubeApi
  for (const resource of [clusterTrustBundles, clusterTrustBundlesAlpha]) {
    const answer = yield* Effect.result(api.list(resource, { resourceVersion: "0" }))
    if (Result.isSuccess(answer)) return resource
    if (answer.failure.reason._tag !== "NotFound") return yield* answer.failure
  }
  return undefined
})

const make = Effect.gen(function*() {
  const api = yield* KubeApi
  const mailbox = yield* KeyedMailbox.make
  const watch = yield* FiberHandle.make<void>()
  const users = new Set<string>()
  let state: Bundles | "unserved" | undefined

  const tell = Effect.suspend(() => Effect.forEach([...users], mailbox.offer, { discard: true }))
  const follow = (resource: ApiResource) =>
    reflect(resource, {}).pipe(
      Stream.tap((change) =>
        Effect.suspend(() => {
          state = after(state === undefined || state === "unserved" ? new Map() : state, change)
          return tell
        })
      ),
      Stream.runDrain
    )
  const run = Effect.gen(function*() {
    const resource = yield* servedVersion
    if (resource !== undefined) return yield* follow(resource)
    state = "unserved"
    yield* tell
    return yield* Effect.never
  }).pipe(Effect.provideService(KubeApi, api))

  return TrustBundles.of({
    want: Effect.fnUntraced(function*(uid: string, wanted: boolean) {
      if (!wanted) {
        if (!users.delete(uid) || users.size > 0) return
        state = undefined
        return yield* FiberHandle.clear(watch)
      }
      users.add(uid)
      yield* FiberHandle.run(watch, supervise("trust bundles", run), { onlyIfMissing: true })
    }),
    anchors: (wish) =>
      Effect.sync(() =>
        state === undefined ? undefined : state === "unserved" ? unsupported : trustAnchors([...state.values()], wish)
      ),
    changed: mailbox.takeAll
  })
})

/** With the feature off, and on a node without an API server. */
const absent = TrustBundles.of({
  want: () => Effect.void,
  anchors: () => Effect.succeed(unsupported),
  changed: Effect.never
})

export const layer: Layer.Layer<TrustBundles, never, AgentConfig | KubeApi> = Layer.effect(
  TrustBundles,
  Effect.gen(function*() {
    const { standalone, trustBundles } = yield* AgentConfig
    return standalone || !trustBundles ? absent : yield* make
  })
)
