import { assert, describe, it } from "@effect/vitest"
import { Effect, Fiber } from "effect"
import * as Bell from "../../src/programs/Bell.ts"

describe("a bell", () => {
  it.effect("that was rung twice before it is heard is heard once", () =>
    Effect.gen(function*() {
      const bell = yield* Bell.make
      yield* Bell.ring(bell)
      yield* Bell.ring(bell)
      yield* Bell.heard(bell)
      const second = yield* Effect.forkChild(Bell.heard(bell), { startImmediately: true })
      assert.isUndefined(second.pollUnsafe())
      yield* Bell.ring(bell)
      yield* Fiber.join(second)
    }))

  it.effect("that rings for one who was called away is heard the next time", () =>
    Effect.gen(function*() {
      const bell = yield* Bell.make
      const first = yield* Effect.forkChild(Bell.heard(bell), { startImmediately: true })
      yield* Fiber.interrupt(first)
      yield* Bell.ring(bell)
      yield* Bell.heard(bell)
    }))
})
