import { assert, layer } from "@effect/vitest"
import { Effect, Option, Stream } from "effect"
import { pods, services } from "../../../src/domain/k8s/resources.ts"
import { KubeApi } from "../../../src/layers/api/KubeApi.ts"
import * as KubeApiAbsent from "../../../src/layers/api/KubeApiAbsent.ts"

layer(KubeApiAbsent.layer)("A10: a node that stands alone", (it) => {
  it.effect("sees empty collections that never change", () =>
    Effect.gen(function*() {
      const api = yield* KubeApi
      assert.deepEqual((yield* api.list(services)).items, [])
      const changes = api.watch(services, { resourceVersion: "0" }).pipe(Stream.runHead, Effect.timeoutOption(0))
      assert.isTrue(Option.isNone(yield* changes))
    }))

  it.effect("finds no object and writes none", () =>
    Effect.gen(function*() {
      const api = yield* KubeApi
      const missing = yield* Effect.flip(api.get(pods, { namespace: "a", name: "b" }))
      assert.strictEqual(missing.reason._tag, "NotFound")
      const refused = yield* Effect.flip(api.create(pods, { metadata: { name: "b" } }))
      assert.strictEqual(refused.reason._tag, "Permanent")
      assert.strictEqual(refused.message, "create pods b: there is no API server: the node stands alone")
    }))
})
