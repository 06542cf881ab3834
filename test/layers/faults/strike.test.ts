import { assert, describe, it } from "@effect/vitest"
import { Effect, Fiber, Stream } from "effect"
import { TestClock } from "effect/testing"
import type { OutsideCall, Verdict } from "../../../src/domain/chaos/fault.ts"
import { strikeCall, strikeStream } from "../../../src/layers/faults/strike.ts"

const call: OutsideCall = { service: "Cri", method: "stopContainer", target: "c" }
const blame = { errorOf: (how: string) => how, deadlineMs: 1 }
const always = (verdict: Verdict) => ({ verdict: () => verdict, returned: () => true })

describe("strikeCall", () => {
  it.effect.each<{ verdict: Verdict; want: string; happens: number; why: string }>([
    { verdict: { _tag: "Pass" }, want: "done", happens: 1, why: "nothing strikes" },
    { verdict: { _tag: "Fail", how: "full" }, want: "full", happens: 0, why: "what fails has no effect" },
    { verdict: { _tag: "LoseReply" }, want: "lost", happens: 1, why: "what is not answered has happened" }
  ])("$verdict._tag → $want: $why", ({ happens, verdict, want }) =>
    Effect.gen(function*() {
      let happened = 0
      const doing = Effect.sync(() => {
        happened += 1
        return "done"
      })
      const effect: Effect.Effect<string, string> = doing
      const answer = yield* Effect.catch(
        strikeCall(always(verdict), call, effect, blame),
        (how) => Effect.succeed(how)
      )
      assert.deepStrictEqual([answer, happened], [want, happens])
    }))
})

describe("strikeStream", () => {
  it.effect("tells things twice when asked to", () =>
    Effect.gen(function*() {
      const stream: Stream.Stream<number, string> = Stream.make(1, 2)
      const told = yield* Stream.runCollect(strikeStream(always({ _tag: "Repeat" }), call, stream, blame))
      assert.deepStrictEqual(told, [1, 1, 2, 2])
    }))

  it.effect("tells a thing after the next one when it is swapped", () =>
    Effect.gen(function*() {
      const verdicts: Array<Verdict> = [{ _tag: "Pass" }, { _tag: "Swap" }, { _tag: "Pass" }, { _tag: "Pass" }]
      const faults = {
        verdict: () => verdicts.shift() ?? { _tag: "Pass" as const },
        returned: () => true
      }
      const stream: Stream.Stream<number, string> = Stream.make(1, 2, 3)
      assert.deepStrictEqual(yield* Stream.runCollect(strikeStream(faults, call, stream, blame)), [2, 1, 3])
    }))

  it.effect("tells nothing while it is stalled, and then ends without an error", () =>
    Effect.gen(function*() {
      const stream: Stream.Stream<number, string> = Stream.make(1, 2)
      const told = yield* Effect.forkChild(
        Stream.runCollect(strikeStream(always({ _tag: "Stall", ms: 60_000 }), call, stream, blame))
      )
      yield* TestClock.adjust("59 seconds")
      assert.isUndefined(told.pollUnsafe())
      yield* TestClock.adjust("1 second")
      assert.deepStrictEqual(yield* Fiber.join(told), [])
    }))
})
