import { assert, describe, it } from "@effect/vitest"
import { Deferred, Effect, Fiber, Ref } from "effect"
import { TestClock } from "effect/testing"
import { makeStartPace } from "../../../src/programs/pods/startPace.ts"

type Pace = Effect.Success<ReturnType<typeof makeStartPace>>

/** Starts `count` effects that end with `gate`; gives how many have begun. */
const crowd = Effect.fnUntraced(function*(count: number, pace?: Pace) {
  const paced = pace ?? (yield* makeStartPace(1))
  const begun = yield* Ref.make(0)
  const gate = yield* Deferred.make<void>()
  const one = paced(Effect.andThen(Ref.update(begun, (n) => n + 1), Deferred.await(gate)))
  const fibers = yield* Effect.forEach(Array.from({ length: count }), () => Effect.forkChild(one))
  yield* TestClock.adjust(0)
  return { begun: Ref.get(begun), gate, fibers, paced }
})

describe("the pace of starts", () => {
  it.effect("a few begin at once, the others as places become free", () =>
    Effect.gen(function*() {
      const { begun, fibers, gate } = yield* crowd(10)
      assert.strictEqual(yield* begun, 4)
      yield* Deferred.succeed(gate, undefined)
      yield* Effect.forEach(fibers, Fiber.join)
      assert.strictEqual(yield* begun, 10)
    }))

  it.effect("who takes longer than a second holds up nobody", () =>
    Effect.gen(function*() {
      const { begun, fibers } = yield* crowd(10)
      yield* TestClock.adjust("999 millis")
      assert.strictEqual(yield* begun, 4)
      yield* TestClock.adjust("1 millis")
      assert.strictEqual(yield* begun, 8)
      yield* TestClock.adjust("1 second")
      assert.strictEqual(yield* begun, 10)
      yield* Effect.forEach(fibers, Fiber.interrupt)
    }))

  it.effect("who is interrupted, while starting or while waiting, leaves its place", () =>
    Effect.gen(function*() {
      const { fibers, paced } = yield* crowd(10)
      yield* Effect.forEach(fibers.toReversed(), Fiber.interrupt)
      const { begun, fibers: again } = yield* crowd(10, paced)
      assert.strictEqual(yield* begun, 4)
      yield* Effect.forEach(again, Fiber.interrupt)
    }))

  it.effect("the result and the failure are the effect's own", () =>
    Effect.gen(function*() {
      const paced = yield* makeStartPace(1)
      assert.strictEqual(yield* paced(Effect.succeed(1)), 1)
      assert.strictEqual(yield* Effect.flip(paced(Effect.fail("broken"))), "broken")
    }))
})
