import { assert, describe, it } from "@effect/vitest"
import { Effect, Fiber, References, Result } from "effect"
import { decodePod } from "../../../src/domain/k8s/decode.ts"
import type { Pod } from "../../../src/domain/k8s/pod.ts"
import { layer, PodRegistry } from "../../../src/programs/pods/PodRegistry.ts"

const podNamed = (name: string, uid: string, annotations: Record<string, string> = {}): Pod =>
  Result.getOrThrow(decodePod({
    metadata: { name, namespace: "default", uid, annotations },
    spec: { containers: [{ name: "c", image: "i:1" }] }
  }))
const mirror = podNamed("web-n1", "mirror-uid", { "kubernetes.io/config.mirror": "hash" })

describe("PodRegistry", () => {
  it.effect("C1: a full list replaces a source; what it lacks is removed, other sources stay", () =>
    Effect.gen(function*() {
      const registry = yield* PodRegistry
      yield* registry.upsert("file", podNamed("web-n1", "s"))
      yield* registry.replace("api", [podNamed("a", "1"), podNamed("b", "2")])
      yield* registry.replace("api", [podNamed("b", "2")])
      const all = yield* registry.all
      assert.deepStrictEqual(all.map(({ pod, removed }) => [pod.metadata.uid, removed]), [
        ["s", false],
        ["1", true],
        ["2", false]
      ])
      assert.deepStrictEqual(yield* registry.changed, ["s", "1", "2"])
    }).pipe(Effect.provide(layer(["api", "file"]))))

  it.effect("C3: nothing unknown may be deleted before every source was heard", () =>
    Effect.gen(function*() {
      const registry = yield* PodRegistry
      yield* registry.replace("file", [])
      assert.isFalse(yield* registry.allSourcesHeard)
      yield* registry.replace("api", [])
      assert.isTrue(yield* registry.allSourcesHeard)
    }).pipe(Effect.provide(layer(["api", "file"]))))

  it.effect("C3: a source counts as heard when all its pods are known, at whatever moment somebody looks", () =>
    Effect.gen(function*() {
      const registry = yield* PodRegistry
      const uids = Array.from({ length: 20 }, (_, index) => `u${index}`)
      const looks = Effect.gen(function*() {
        const has = yield* registry.has
        let early = 0
        while (!(yield* registry.allSourcesHeard)) {
          early += 1
          yield* Effect.yieldNow
        }
        return { early, missing: uids.filter((uid) => !has(uid)) }
      })
      const look = yield* Effect.forkChild(looks, { startImmediately: true })
      yield* registry.replace("api", uids.map((uid) => podNamed(uid, uid))).pipe(
        Effect.provideService(References.MaxOpsBeforeYield, 5)
      )
      const { early, missing } = yield* Fiber.join(look)
      assert.isAbove(early, 1)
      assert.isEmpty(missing)
    }).pipe(Effect.provide(layer(["api"]))))

  it.effect("C5: mirror pods are no work; their changes are told under the static pod", () =>
    Effect.gen(function*() {
      const registry = yield* PodRegistry
      yield* registry.upsert("file", podNamed("web-n1", "s"))
      yield* registry.changed
      yield* registry.upsert("api", mirror)
      assert.deepStrictEqual(yield* registry.changed, ["s"])
      const [only] = yield* registry.all
      assert.strictEqual((yield* registry.all).length, 1)
      assert.strictEqual((yield* registry.mirrorOf(only?.pod ?? mirror))?.metadata.uid, "mirror-uid")
      yield* registry.replace("api", [])
      assert.deepStrictEqual(yield* registry.mirrors, [])
      assert.deepStrictEqual(yield* registry.changed, ["s"])
    }).pipe(Effect.provide(layer(["api", "file"]))))

  it.effect("a removed pod stays until its worker forgets it, with the last state of the object", () =>
    Effect.gen(function*() {
      const registry = yield* PodRegistry
      yield* registry.upsert("api", podNamed("a", "1"))
      yield* registry.forget("1")
      assert.isDefined(yield* registry.get("1"))
      yield* registry.remove("api", "1", podNamed("a", "1", { last: "yes" }))
      assert.strictEqual((yield* registry.get("1"))?.pod.metadata.annotations?.["last"], "yes")
      yield* registry.forget("1")
      assert.isUndefined(yield* registry.get("1"))
    }).pipe(Effect.provide(layer(["api"]))))
})
