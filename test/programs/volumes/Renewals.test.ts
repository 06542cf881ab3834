import { assert, describe, it } from "@effect/vitest"
import { Clock, Effect } from "effect"
import { TestClock } from "effect/testing"
import * as Renewals from "../../../src/programs/volumes/Renewals.ts"
import { podWith } from "../../domain/volumes/pods.ts"

const pod = podWith([])
const { uid } = pod.metadata

class Refusal extends Error {
  readonly isFinal: boolean
  constructor(isFinal: boolean) {
    super("no")
    this.isFinal = isFinal
  }
}

/** Values are the times at which they were issued; each serves for a minute and is to be renewed after half of it. */
const started = Effect.gen(function*() {
  const askedAt: Array<number> = []
  const peer: { answer: "yes" | "later" | "never" } = { answer: "yes" }
  const renewals = yield* Renewals.make({
    kind: "value",
    keyOf: (podUid, wish: string) => `${podUid}/${wish}`,
    issue: () =>
      Effect.flatMap(Clock.currentTimeMillis, (nowMs) => {
        askedAt.push(nowMs / 1000)
        return peer.answer === "yes" ? Effect.succeed(nowMs) : Effect.fail(new Refusal(peer.answer === "never"))
      }),
    restMs: () => Effect.succeed(30_000),
    isValid: (issuedAtMs, nowMs) => nowMs - issuedAtMs < 60_000,
    failureText: ({ message }) => message,
    isFinal: ({ isFinal }) => isFinal
  })
  const wanted = (...wishes: ReadonlyArray<string>) => Effect.andThen(renewals.want(pod, wishes), TestClock.adjust(0))
  return { ...renewals, askedAt, peer, wanted, shown: renewals.held(uid, "a") }
})

describe("what runs out", () => {
  it.effect("is renewed in time, and told of each time", () =>
    Effect.gen(function*() {
      const { askedAt, changed, shown, wanted } = yield* started
      assert.isUndefined(yield* shown)
      yield* wanted("a")
      yield* wanted("a")
      assert.deepStrictEqual(yield* changed, [uid])
      yield* TestClock.adjust("30 seconds")
      assert.deepStrictEqual(askedAt, [0, 30])
      assert.deepStrictEqual(yield* changed, [uid])
      assert.deepStrictEqual(yield* shown, { _tag: "Found", value: 30_000 })
    }))

  it.effect("and cannot be renewed is shown while it serves, and tried with pauses that grow", () =>
    Effect.gen(function*() {
      const { askedAt, peer, shown, wanted } = yield* started
      yield* wanted("a")
      peer.answer = "later"
      yield* TestClock.adjust("59 seconds")
      assert.deepStrictEqual(askedAt, [0, 30, 30.5, 31.5, 33.5, 37.5, 45.5])
      assert.deepStrictEqual(yield* shown, { _tag: "Found", value: 0 })
      yield* TestClock.adjust("3 seconds")
      assert.deepStrictEqual(yield* shown, { _tag: "Failed", message: "no" })
      yield* TestClock.adjust("1 minute")
      assert.deepStrictEqual(askedAt.slice(7), [61.5, 91.5, 121.5])
      peer.answer = "yes"
      yield* TestClock.adjust("30 seconds")
      assert.deepStrictEqual(yield* shown, { _tag: "Found", value: 151_500 })
    }))

  it.effect("and is refused for good is not asked for again, until nobody wants it in between", () =>
    Effect.gen(function*() {
      const { askedAt, peer, shown, wanted } = yield* started
      peer.answer = "never"
      yield* wanted("a")
      assert.deepStrictEqual(yield* shown, { _tag: "Failed", message: "no" })
      yield* TestClock.adjust("1 hour")
      yield* wanted("a")
      assert.deepStrictEqual(askedAt, [0])
      yield* wanted("b")
      assert.isUndefined(yield* shown)
      yield* wanted("a")
      assert.lengthOf(askedAt, 3)
    }))

  it.effect("is let go with its pod", () =>
    Effect.gen(function*() {
      const { askedAt, drop, shown, wanted } = yield* started
      yield* wanted("a")
      yield* drop(uid)
      yield* TestClock.adjust("1 hour")
      assert.isUndefined(yield* shown)
      assert.deepStrictEqual(askedAt, [0])
    }))
})
