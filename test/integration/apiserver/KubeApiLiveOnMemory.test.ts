/** The live client against the API server in memory over HTTPS: the same contract, and what only a real wire shows. */
import { assert, it } from "@effect/vitest"
import { Effect, Fiber, Layer, Stream } from "effect"
import * as Resources from "../../../src/domain/k8s/resources.ts"
import { KubeApi } from "../../../src/layers/api/KubeApi.ts"
import * as KubeApiLive from "../../../src/layers/api/KubeApiLive.ts"
import { serve } from "../../../src/layers/api/memory/ApiServerHttp.ts"
import * as MemoryApi from "../../../src/layers/api/memory/MemoryApi.ts"
import { kubeApiContract } from "../../contract/KubeApiContract.ts"

const start = Effect.fnUntraced(function*(options: MemoryApi.Options = {}) {
  const api = yield* MemoryApi.make({
    binder: false,
    bookmarkMs: 500,
    tokens: { secret: { username: "admin", groups: ["system:masters"] } },
    ...options
  })
  const serving = yield* serve(api, { tls: true })
  const client = (token: string) =>
    KubeApiLive.layer({
      server: serving.url,
      insecure: false,
      ca: { _tag: "Inline", pem: serving.certificateAuthority ?? "" },
      user: { token }
    }, { qps: 0 })
  return { api, serving, client }
})

const writeOne = Effect.gen(function*() {
  const api = yield* KubeApi
  const { resourceVersion } = yield* api.list(Resources.configMaps)
  yield* api.create(Resources.configMaps, { metadata: { namespace: "default", generateName: "later-" } })
  return resourceVersion
})

kubeApiContract(
  "live on memory",
  Layer.unwrap(Effect.map(start({ historyLimit: 5 }), ({ client }) => client("secret"))),
  { expiredVersion: Effect.tap(writeOne, () => Effect.all(Array.from({ length: 10 }, () => writeOne))) }
)

it.live("turns away a token that it does not know", () =>
  Effect.gen(function*() {
    const { client } = yield* start()
    const error = yield* KubeApi.use((api) => api.list(Resources.pods)).pipe(
      Effect.flip,
      Effect.provide(client("wrong"))
    )
    assert.deepInclude({ status: error.status, reason: error.statusReason }, { status: 401, reason: "Unauthorized" })
  }))

it.live("takes a service account's token until the account is gone", () =>
  Effect.gen(function*() {
    const { client } = yield* start()
    const of = { namespace: "default", name: "default" }
    const answer = yield* KubeApi.use((api) =>
      api.create(Resources.serviceAccounts, { metadata: {}, spec: {} }, { subresource: { name: "token", of } })
    ).pipe(Effect.provide(client("secret")))
    const token = String(Object(answer["status"])["token"])
    const asAccount = KubeApi.use((api) => api.list(Resources.pods)).pipe(Effect.provide(client(token)))
    assert.strictEqual((yield* asAccount).items.length, 0)
    yield* KubeApi.use((api) => api.delete(Resources.serviceAccounts, of)).pipe(Effect.provide(client("secret")))
    assert.strictEqual((yield* Effect.flip(asAccount)).status, 401)
  }))

it.live("a client that goes away closes its watch, and one that is cut off sees it end", () =>
  Effect.gen(function*() {
    const { api, client } = yield* start()
    const watching = api.state.store.shelf(api.state.kinds.find(({ kind }) => kind === "Pod")!).watchers
    const run = KubeApi.use((kube) => Stream.runDrain(kube.watch(Resources.pods, {}))).pipe(
      Effect.provide(client("secret")),
      Effect.forkChild
    )
    const until = (count: number) =>
      Effect.suspend(() => Effect.succeed(watching.size)).pipe(
        Effect.delay("10 millis"),
        Effect.repeat({ until: (size) => size === count }),
        Effect.timeout("5 seconds")
      )
    const gone = yield* run
    yield* until(1)
    yield* Fiber.interrupt(gone)
    yield* until(0)
    const cut = yield* run
    yield* until(1)
    yield* api.closeWatches
    yield* Fiber.join(cut)
    yield* until(0)
  }))
