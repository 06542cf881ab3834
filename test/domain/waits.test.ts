import { assert, describe, it } from "@effect/vitest"
import * as fc from "fast-check"
import { waitLeftMs } from "../../src/domain/waits.ts"

describe("a wait by the wall clock", () => {
  it.each([
    { nowMs: 1000, want: 500, why: "has just begun" },
    { nowMs: 1499, want: 1, why: "is nearly over" },
    { nowMs: 1500, want: 0, why: "is over" },
    { nowMs: 9000, want: 0, why: "was over long ago, or the clock was put forward" },
    { nowMs: 999, want: 0, why: "began before the clock was set back" },
    { nowMs: -3_600_000, want: 0, why: "so it did, by however much" }
  ])(
    "$why: $want ms",
    ({ nowMs, want }) => assert.strictEqual(waitLeftMs({ sinceMs: 1000, lengthMs: 500 }, nowMs), want)
  )

  const timeMs = fc.integer({ min: -1e9, max: 1e9 })
  it("ends after its length at the latest, wherever the clock is set, and does not begin again", () => {
    fc.assert(fc.property(timeMs, fc.nat(1e6), timeMs, (sinceMs, lengthMs, nowMs) => {
      const wait = { sinceMs, lengthMs }
      const leftMs = waitLeftMs(wait, nowMs)
      assert.isAtLeast(leftMs, 0)
      assert.isAtMost(leftMs, lengthMs)
      assert.strictEqual(waitLeftMs(wait, nowMs + leftMs), 0)
    }))
  })
})
