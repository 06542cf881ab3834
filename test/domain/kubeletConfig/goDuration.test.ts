import { assert, describe, it } from "@effect/vitest"
import * as fc from "fast-check"
import { formatGoDuration, parseGoDuration } from "../../../src/domain/kubeletConfig/goDuration.ts"

describe("Go durations", () => {
  it.each([
    { text: "1m0s", want: 60_000, why: "units add up" },
    { text: "2h45m", want: 9_900_000, why: "the largest unit is the hour" },
    { text: "1.5h", want: 5_400_000, why: "any unit may have a fraction" },
    { text: "100ms", want: 100, why: "the CFS period is below a second" },
    { text: "1us", want: 0.001, why: "microseconds have three spellings" },
    { text: "1µs", want: 0.001, why: "U+00B5" },
    { text: "1μs", want: 0.001, why: "U+03BC" },
    { text: ".5s", want: 500, why: "no digit is needed before the point" },
    { text: "-1m30s", want: -90_000, why: "the sign is of the whole" },
    { text: "0", want: 0, why: "only zero goes without a unit" },
    { text: "10", want: undefined, why: "10 of what?" },
    { text: "", want: undefined, why: "nothing is no duration" },
    { text: "1d", want: undefined, why: "Go has no days" },
    { text: "1m 30s", want: undefined, why: "no spaces" },
    { text: "s", want: undefined, why: "a unit alone" }
  ])("$text is $want ms: $why", ({ text, want }) => assert.strictEqual(parseGoDuration(text), want))

  it.each([
    { millis: 0, want: "0s" },
    { millis: 100, want: "100ms" },
    { millis: 1500, want: "1.5s" },
    { millis: 60_000, want: "1m0s" },
    { millis: 14_400_000, want: "4h0m0s" },
    { millis: 0.25, want: "250µs" },
    { millis: 12.5, want: "12.5ms" },
    { millis: -61_000, want: "-1m1s" }
  ])("$millis ms prints as $want, as Go does", ({ millis, want }) => assert.strictEqual(formatGoDuration(millis), want))

  it("printing and parsing whole milliseconds gives them back", () =>
    fc.assert(
      fc.property(
        fc.integer({ min: -1e10, max: 1e10 }),
        (millis) => parseGoDuration(formatGoDuration(millis)) === millis
      )
    ))
})
