/** What is noticed of the runtime with events, without, and when they break off. */
import { assert, describe, it } from "@effect/vitest"
import { Effect, Layer, Ref, Stream } from "effect"
import { TestClock } from "effect/testing"
import { Retryable } from "../../../src/domain/failure.ts"
import { Cri, CriError, GrpcCode } from "../../../src/layers/cri/Cri.ts"
import { type RuntimeEvent, RuntimeEvents } from "../../../src/layers/cri/RuntimeEvents.ts"
import { RuntimeHealth } from "../../../src/programs/runtime/RuntimeHealth.ts"
import { RuntimeView } from "../../../src/programs/runtime/RuntimeView.ts"
import { runtimeWatch } from "../../../src/programs/runtime/runtimeWatch.ts"

const broken = new CriError({
  op: "GetContainerEvents",
  target: "",
  reason: new Retryable({}),
  code: GrpcCode.Unavailable,
  detail: "the connection broke",
  cause: new Error("the connection broke")
})

/** Watches a runtime in which every listing finds a change; gives how often each was woken. */
const watch = Effect.fnUntraced(function*(
  events: Stream.Stream<RuntimeEvent, CriError>,
  source: "cri" | "none",
  seconds: number
) {
  const woken = yield* Ref.make<ReadonlyArray<string>>([])
  const listings = yield* Ref.make(0)
  const under = Layer.mergeAll(
    Layer.mock(Cri)({}),
    Layer.mock(RuntimeHealth)({ listed: Ref.update(listings, (count) => count + 1) }),
    Layer.mock(RuntimeView)({
      relist: Effect.succeed(["listed"]),
      outdate: () => Effect.void,
      podOf: () => Effect.succeed("told")
    }),
    Layer.succeed(RuntimeEvents, RuntimeEvents.of({ events, source: Effect.succeed(source) }))
  )
  const wake = (uid: string) => Ref.update(woken, (all) => [...all, uid])
  yield* Effect.forkScoped(Effect.provide(runtimeWatch(wake), under))
  for (let second = 0; second < seconds; second++) yield* TestClock.adjust("1 second")
  const count = (uid: string) => Effect.map(Ref.get(woken), (all) => all.filter((one) => one === uid).length)
  return { listings: yield* Ref.get(listings), listed: yield* count("listed"), told: yield* count("told") }
})

const started: RuntimeEvent = { containerId: "c1", kind: "Started" }

describe("G2: events of the runtime", () => {
  it.effect("G2: wake the pod they are about; listings are rare meanwhile", () =>
    Effect.gen(function*() {
      const seen = yield* watch(Stream.concat(Stream.make(started), Stream.never), "cri", 59)
      assert.deepStrictEqual(seen, { listings: 1, listed: 1, told: 1 })
    }))

  it.effect("G2: without any, everything is listed each second", () =>
    Effect.gen(function*() {
      const seen = yield* watch(Stream.never, "none", 10)
      assert.deepStrictEqual(seen, { listings: 11, listed: 11, told: 0 })
    }))

  it.effect("G2: a stream that breaks again and again costs no listing, and is heard again when it holds", () =>
    Effect.gen(function*() {
      let tries = 0
      const events = Stream.suspend(() => {
        tries += 1
        return tries < 4
          ? Stream.concat(Stream.make(started), Stream.fail(broken))
          : Stream.concat(Stream.make(started), Stream.never)
      })
      const seen = yield* watch(events, "none", 20)
      assert.deepStrictEqual(seen, { listings: 21, listed: 21, told: 4 })
    }))
})
