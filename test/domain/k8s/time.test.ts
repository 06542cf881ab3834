/** Times: RFC 3339 text outside, milliseconds inside. */
import { assert, describe, it } from "@effect/vitest"
import * as fc from "fast-check"
import { formatMicroTime, formatNanoTime, formatTime, parseTime } from "../../../src/domain/k8s/time.ts"

describe("times", () => {
  it.each([
    { text: "2026-11-01T10:20:30Z", want: Date.UTC(2026, 10, 1, 10, 20, 30), why: "the API's own form" },
    { text: "2026-11-01T12:20:30+02:00", want: Date.UTC(2026, 10, 1, 10, 20, 30), why: "another zone" },
    { text: "2026-11-01T10:20:30.123456Z", want: Date.UTC(2026, 10, 1, 10, 20, 30, 123), why: "MicroTime, cut" },
    { text: "2026-11-01T10:20:30.1Z", want: Date.UTC(2026, 10, 1, 10, 20, 30, 100), why: "few digits" },
    { text: "2026-11-01", want: undefined, why: "a date is no time" },
    { text: "2026-13-01T10:20:30Z", want: undefined, why: "no such month" },
    { text: "", want: undefined, why: "empty" }
  ])("$text: $why", ({ text, want }) => assert.strictEqual(parseTime(text), want))

  it("writes seconds, microseconds and as many digits as there are", () => {
    const millis = Date.UTC(2026, 10, 1, 10, 20, 30, 120)
    assert.strictEqual(formatTime(millis), "2026-11-01T10:20:30Z")
    assert.strictEqual(formatMicroTime(millis + 0.25), "2026-11-01T10:20:30.120250Z")
    assert.strictEqual(formatNanoTime(millis), "2026-11-01T10:20:30.12Z")
    assert.strictEqual(formatNanoTime(millis - 120), "2026-11-01T10:20:30Z")
  })

  it("reads back what it wrote", () => {
    fc.assert(fc.property(fc.integer({ min: 0, max: 4_000_000_000_000 }), (millis) => {
      assert.strictEqual(parseTime(formatMicroTime(millis)), millis)
      assert.strictEqual(parseTime(formatTime(millis)), Math.floor(millis / 1000) * 1000)
    }))
  })
})
