import { assert, describe, it } from "@effect/vitest"
import { Effect, Fiber, Layer } from "effect"
import { TestClock } from "effect/testing"
import { Permanent } from "../../../src/domain/failure.ts"
import type { Pod } from "../../../src/domain/k8s/pod.ts"
import { secrets } from "../../../src/domain/k8s/resources.ts"
import { ApiError, KubeApi } from "../../../src/layers/api/KubeApi.ts"
import * as KubeApiMemory from "../../../src/layers/api/KubeApiMemory.ts"
import * as MemoryApi from "../../../src/layers/api/memory/MemoryApi.ts"
import * as ObjectCache from "../../../src/programs/volumes/ObjectCache.ts"
import { podWith } from "../../domain/volumes/pods.ts"
import { eventually, makeSecret, settled } from "./world.ts"

const pod = (uid: string, name = "s"): Pod => podWith([{ name: "v", secret: { secretName: name } }], {}, { uid })
const forbidden = new ApiError({
  op: "list secrets",
  target: "default",
  reason: new Permanent(),
  status: 403,
  statusReason: "Forbidden",
  detail: "secrets \"s\" is forbidden: no relationship found between node 'n' and this object"
})

/** An API server that refuses the first lists. */
const setup = (refusals: number) =>
  Effect.gen(function*() {
    const handle = yield* MemoryApi.make({ binder: false })
    let left = refusals
    const selections: Array<string> = []
    const api = Layer.effect(
      KubeApi,
      Effect.map(KubeApi, (client) =>
        KubeApi.of({
          ...client,
          list: (resource, selection) => {
            selections.push(`${resource.plural} ${selection?.namespace} ${selection?.fieldSelector}`)
            return left-- > 0 ? Effect.fail(forbidden) : client.list(resource, selection)
          }
        }))
    ).pipe(Layer.provide(KubeApiMemory.layer(handle)))
    const context = yield* Layer.build(Layer.provideMerge(ObjectCache.layer, api))
    return {
      cache: yield* Effect.provide(ObjectCache.ObjectCache, context),
      client: yield* Effect.provide(KubeApi, context),
      selections
    }
  })

describe("I6, Q4: objects of pods", () => {
  it.effect("are asked for one by one, by name, once for all pods", () =>
    Effect.gen(function*() {
      const { cache, client, selections } = yield* setup(0)
      yield* makeSecret(client, "s", { a: "1" })
      yield* cache.track(pod("u1"))
      yield* cache.track(pod("u2"))
      yield* settled
      assert.strictEqual((yield* cache.secret("default", "s"))?._tag, "Found")
      assert.deepStrictEqual(selections, ["secrets default metadata.name=s"])
    }))

  it.effect("tell every pod of a change, and none that has let go", () =>
    Effect.gen(function*() {
      const { cache, client } = yield* setup(0)
      yield* makeSecret(client, "s", { a: "1" })
      yield* cache.track(pod("u1"))
      yield* cache.track(pod("u2"))
      yield* settled
      yield* cache.changed
      yield* cache.untrack("u1")
      yield* client.patch(secrets, { namespace: "default", name: "s" }, {
        type: "merge",
        body: { data: { a: "Mg==" } }
      })
      assert.deepStrictEqual(yield* cache.changed, ["u2"])
    }))

  it.effect("that a pod no more refers to are dropped", () =>
    Effect.gen(function*() {
      const { cache, client } = yield* setup(0)
      yield* makeSecret(client, "s", { a: "1" })
      yield* cache.track(pod("u1"))
      yield* cache.lookup("default", { secrets: new Set(["s"]), configMaps: new Set() })
      yield* cache.track(pod("u1", "other"))
      assert.deepInclude(yield* cache.secret("default", "s"), { _tag: "Failed" })
    }))

  it.effect("refused because the authorizer does not know the pod yet are asked for again at once, not in a minute", () =>
    Effect.gen(function*() {
      const { cache, client } = yield* setup(2)
      yield* makeSecret(client, "s", { a: "1" })
      yield* cache.track(pod("u1"))
      yield* settled
      assert.deepInclude(yield* cache.secret("default", "s"), { _tag: "Failed", message: forbidden.detail })
      yield* TestClock.adjust("1 second")
      yield* settled
      assert.deepInclude(yield* cache.secret("default", "s"), { _tag: "Found" })
    }))

  it.effect("are waited for by who needs them now, for ten seconds", () =>
    Effect.gen(function*() {
      const { cache, client } = yield* setup(0)
      yield* makeSecret(client, "s", { a: "1" })
      yield* cache.track(pod("u1"))
      const found = yield* cache.lookup("default", { secrets: new Set(["s"]), configMaps: new Set() })
      assert.strictEqual(found.secrets.get("s")?._tag, "Found")
    }))

  it.effect("that never come are a failure then", () =>
    Effect.gen(function*() {
      const handle = yield* MemoryApi.make({ binder: false })
      const silent = Layer.effect(
        KubeApi,
        Effect.map(KubeApi, (client) => KubeApi.of({ ...client, list: () => Effect.never }))
      )
        .pipe(Layer.provide(KubeApiMemory.layer(handle)))
      const context = yield* Layer.build(ObjectCache.layer.pipe(Layer.provide(silent)))
      const cache = yield* Effect.provide(ObjectCache.ObjectCache, context)
      yield* cache.track(pod("u1"))
      const waiting = yield* Effect.forkChild(
        cache.lookup("default", { secrets: new Set(["s"]), configMaps: new Set() })
      )
      yield* settled
      yield* TestClock.adjust("10 seconds")
      yield* eventually(() => waiting.pollUnsafe() !== undefined)
      const { secrets: found } = yield* Fiber.join(waiting)
      assert.deepInclude(found.get("s"), {
        message: "failed to sync secret cache: timed out waiting for the condition"
      })
    }))
})
