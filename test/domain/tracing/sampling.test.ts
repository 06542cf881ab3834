import { assert, it } from "@effect/vitest"
import { isSampled } from "../../../src/domain/tracing/sampling.ts"

const idOf = (share: number) =>
  "f".repeat(16) + BigInt(Math.floor(share * 2 ** 52) * 2 ** 12).toString(16).padStart(16, "0")

it.each([
  { id: idOf(0.999), rate: 1_000_000, want: true, why: "a million in a million are all" },
  { id: idOf(0), rate: 0, want: false, why: "none in a million is none" },
  { id: idOf(0.0009), rate: 1000, want: true, why: "the lower thousandth of all ids is kept" },
  { id: idOf(0.0011), rate: 1000, want: false, why: "the others are not" },
  { id: idOf(0.49), rate: 500_000, want: true, why: "half are kept: below" },
  { id: idOf(0.51), rate: 500_000, want: false, why: "half are kept: above" }
])("T3: $rate of a million, $id → $want: $why", ({ id, rate, want }) => assert.strictEqual(isSampled(id, rate), want))
