/** The API server in memory keeps the promises of every `KubeApi`. */
import { Effect, Layer } from "effect"
import { TestClock } from "effect/testing"
import * as Resources from "../../../src/domain/k8s/resources.ts"
import { KubeApi } from "../../../src/layers/api/KubeApi.ts"
import * as KubeApiMemory from "../../../src/layers/api/KubeApiMemory.ts"
import * as MemoryApi from "../../../src/layers/api/memory/MemoryApi.ts"
import { kubeApiContract } from "../../contract/KubeApiContract.ts"

const watchedOnce = Effect.gen(function*() {
  const api = yield* KubeApi
  const { resourceVersion } = yield* api.list(Resources.configMaps)
  yield* api.create(Resources.configMaps, { metadata: { namespace: "default", generateName: "later-" } })
  return resourceVersion
})

const under = Layer.unwrap(Effect.map(MemoryApi.make({ historyLimit: 5, binder: false }), KubeApiMemory.layer))

kubeApiContract("memory", under, {
  // With a history of five changes, ten more are enough to drop any.
  expiredVersion: Effect.tap(watchedOnce, () => Effect.all(Array.from({ length: 10 }, () => watchedOnce))),
  passTime: (ms) => TestClock.adjust(ms),
  testClock: true
})
