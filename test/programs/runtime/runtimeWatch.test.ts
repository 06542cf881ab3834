/** What is noticed of the runtime with events, without, and when they break off. */
import { assert, describe, it } from "@effect/vitest"
import { Effect, Layer, Ref, Stream } from "effect"
import { TestClock } from "effect/testing"
import { Retryable } from "../../../src/domain/failure.ts"
import { CriError, GrpcCode } from "../../../src/layers/cri/Cri.ts"
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

const event = (kind: RuntimeEvent["kind"], containerId = "c1"): RuntimeEvent => ({ containerId, kind })
const deleted = event("Deleted")

/** Looks at an id that it takes to see what an event told of it. */
const looksNeeded = (id: string) => id === "slow" ? 3 : 1

/**
 * Watches a runtime in which every listing finds a change; gives how often each was woken. What happens to `seen` its
 * worker sees at once, `ending` it ends itself, and nobody knows `stranger`.
 */
const watch = Effect.fnUntraced(function*(
  events: Stream.Stream<RuntimeEvent, CriError>,
  source: "cri" | "none",
  seconds: number
) {
  const woken = yield* Ref.make<ReadonlyArray<string>>([])
  const listings = yield* Ref.make(0)
  const looks: Array<string> = []
  const shown = new Set<string>()
  const under = Layer.mergeAll(
    Layer.mock(RuntimeHealth)({ listed: Ref.update(listings, (count) => count + 1) }),
    Layer.mock(RuntimeView)({
      relist: Effect.succeed(["listed"]),
      told: ({ containerId, kind }) =>
        Effect.sync(() => {
          const isNews = kind === "Deleted" || !shown.has(containerId)
          if (containerId === "seen") shown.add(containerId)
          return isNews
        }),
      see: (id) =>
        Effect.sync(() => {
          if (looks.push(id) === looksNeeded(id)) shown.add(id)
        }),
      isEnding: (id) => Effect.succeed(id === "ending"),
      podOf: (id) => Effect.succeed(id === "stranger" ? undefined : "told")
    }),
    Layer.succeed(RuntimeEvents, RuntimeEvents.of({ events, source: Effect.succeed(source) }))
  )
  const wake = (uid: string) => Ref.update(woken, (all) => [...all, uid])
  yield* Effect.forkScoped(Effect.provide(runtimeWatch(wake), under))
  for (let second = 0; second < seconds; second++) yield* TestClock.adjust("1 second")
  const count = (uid: string) => Effect.map(Ref.get(woken), (all) => all.filter((one) => one === uid).length)
  return {
    listings: yield* Ref.get(listings),
    listed: yield* count("listed"),
    told: yield* count("told"),
    looks: looks.length
  }
})

describe("G2: events of the runtime", () => {
  it.effect("G2: wake the pod they are about; listings are rare meanwhile", () =>
    Effect.gen(function*() {
      const seen = yield* watch(Stream.concat(Stream.make(deleted), Stream.never), "cri", 59)
      assert.deepStrictEqual(seen, { listings: 1, listed: 1, told: 1, looks: 0 })
    }))

  it.effect.each<{ heard: ReadonlyArray<RuntimeEvent>; seconds: number; want: object; why: string }>([
    {
      heard: [event("Created"), event("Started")],
      seconds: 2,
      want: { listings: 1, told: 0, looks: 0 },
      why: "who starts something looks himself"
    },
    {
      heard: [event("Created"), event("Started")],
      seconds: 4,
      want: { listings: 1, told: 1, looks: 0 },
      why: "a start that nobody has seen is worth a look"
    },
    {
      heard: [event("Created", "seen"), event("Started", "seen")],
      seconds: 9,
      want: { listings: 1, told: 0, looks: 0 },
      why: "one that somebody has seen is not"
    },
    {
      heard: [event("Stopped", "slow")],
      seconds: 2,
      want: { listings: 1, told: 1, looks: 3 },
      why: "an end is told once the runtime shows it"
    },
    {
      heard: [event("Stopped", "ending")],
      seconds: 2,
      want: { listings: 1, told: 0, looks: 0 },
      why: "who ends something looks himself"
    },
    {
      heard: [event("Stopped", "ending"), event("Started", "ending")],
      seconds: 4,
      want: { listings: 1, told: 1, looks: 0 },
      why: "an end that nobody has seen is worth a look"
    },
    {
      heard: [event("Started", "stranger")],
      seconds: 4,
      want: { listings: 2, told: 0, looks: 0 },
      why: "what nobody knows is worth one listing"
    }
  ])("G2: after $seconds s: $why", ({ heard, seconds, want }) =>
    Effect.gen(function*() {
      const { listed, ...seen } = yield* watch(
        Stream.concat(Stream.fromIterable(heard), Stream.never),
        "cri",
        seconds
      )
      assert.deepStrictEqual(seen, want)
      assert.strictEqual(listed, seen.listings)
    }))

  it.effect("G2: without any, everything is listed each second", () =>
    Effect.gen(function*() {
      const seen = yield* watch(Stream.never, "none", 10)
      assert.deepStrictEqual(seen, { listings: 11, listed: 11, told: 0, looks: 0 })
    }))

  it.effect("G2: a stream that breaks again and again costs no listing, and is heard again when it holds", () =>
    Effect.gen(function*() {
      let tries = 0
      const events = Stream.suspend(() => {
        tries += 1
        return tries < 4
          ? Stream.concat(Stream.make(deleted), Stream.fail(broken))
          : Stream.concat(Stream.make(deleted), Stream.never)
      })
      const seen = yield* watch(events, "none", 20)
      assert.deepStrictEqual(seen, { listings: 21, listed: 21, told: 4, looks: 0 })
    }))
})
