/** Quantities are read exactly and written in canonical form, as the API server does. */
import { assert, describe, it } from "@effect/vitest"
import { Result } from "effect"
import * as fc from "fast-check"
import {
  add,
  formatQuantity,
  fromMilli,
  fromValue,
  isQuantity,
  max,
  milliOfText,
  milliValueOf,
  parseQuantity,
  quantityOf,
  subtract,
  valueOf,
  valueOfText
} from "../../../src/domain/resources/quantity.ts"

describe("reading and writing", () => {
  it.each([
    { text: "0", want: "0", why: "zero has no unit" },
    { text: "0Ki", want: "0", why: "in no notation" },
    { text: "100m", want: "100m", why: "thousandths" },
    { text: "1000m", want: "1", why: "the largest suffix that leaves no fraction" },
    { text: "1.5", want: "1500m", why: "no fraction is written" },
    { text: "0.5", want: "500m", why: "nor below one" },
    { text: ".5", want: "500m", why: "a leading dot is allowed" },
    { text: "5.", want: "5", why: "and a trailing one" },
    { text: "1200", want: "1200", why: "no smaller number of thousands" },
    { text: "12000", want: "12k", why: "thousands" },
    { text: "1000000", want: "1M", why: "millions" },
    { text: "1024Ki", want: "1Mi", why: "binary units go up too" },
    { text: "1.5Gi", want: "1536Mi", why: "as far as whole" },
    { text: "1536Mi", want: "1536Mi", why: "and stay where they are exact" },
    { text: "1000Ki", want: "1000Ki", why: "decimal multiples of binary units" },
    { text: "0.5Ki", want: "512", why: "below one Ki there is no binary suffix" },
    { text: "0.5Mi", want: "512Ki", why: "half a mebibyte" },
    { text: "1023.5Ki", want: "1048064", why: "no whole number of Ki: bytes" },
    { text: "0.1Ki", want: "102400m", why: "small binary amounts are written in decimal" },
    { text: "1e3", want: "1e3", why: "exponents stay exponents" },
    { text: "1500e0", want: "1500", why: "unless the exponent is nought" },
    { text: "1E6", want: "1e6", why: "E with digits is an exponent" },
    { text: "1E", want: "1E", why: "E alone is exa" },
    { text: "12e-1", want: "1200e-3", why: "exponents are multiples of three" },
    { text: "1n", want: "1n", why: "the smallest unit" },
    { text: "0.1n", want: "1n", why: "finer than that is rounded up" },
    { text: "1.0000000001", want: "1000000001n", why: "wherever it stands" },
    { text: "-0.1n", want: "-1n", why: "away from zero" },
    { text: "-1.5Gi", want: "-1536Mi", why: "signs" },
    { text: "+1", want: "1", why: "a plus is allowed" },
    { text: "100E", want: "9223372036854775807", why: "capped at 2⁶³−1" },
    { text: "1e100000", want: "9223372036854775807e0", why: "without computing the power" },
    { text: "1e-100000", want: "1e-9", why: "the other way too" }
  ])("$text → $want: $why", ({ text, want }) => {
    // The cap is reached in the notation that was read, which for an exponent of nought writes none.
    assert.strictEqual(formatQuantity(quantityOf(text)), want.replace(/e0$/, ""))
  })

  it.each(["", "abc", "1.2.3", "1 Gi", "1gi", "Mi", "1e", "--1", "1mi", "0x10", "."])("refuses %s", (text) => {
    assert.isTrue(Result.isFailure(parseQuantity(text)))
    assert.isFalse(isQuantity(text))
  })

  it.each([
    { text: "1500m", value: 2, milli: 1500 },
    { text: "1n", value: 1, milli: 1 },
    { text: "64Mi", value: 67_108_864, milli: 67_108_864_000 },
    { text: "-1500m", value: -1, milli: -1500 },
    { text: undefined, value: 0, milli: 0 }
  ])("$text is $value units and $milli thousandths, rounded up", ({ text, value, milli }) => {
    assert.deepStrictEqual([valueOfText(text), milliOfText(text)], [value, milli])
  })

  it("sums keep the notation of the first", () => {
    assert.strictEqual(formatQuantity(add(quantityOf("1Gi"), quantityOf("1G"))), "2073741824")
    assert.strictEqual(formatQuantity(add(quantityOf("0"), quantityOf("1Gi"))), "1Gi")
    assert.strictEqual(formatQuantity(subtract(quantityOf("2"), quantityOf("500m"))), "1500m")
    assert.strictEqual(formatQuantity(max(quantityOf("2"), quantityOf("2001m"))), "2001m")
    assert.strictEqual(formatQuantity(fromValue(2n ** 31n)), "2Gi")
    assert.strictEqual(formatQuantity(fromMilli(250)), "250m")
  })
})

const suffixes = ["", "n", "u", "m", "k", "M", "G", "Ki", "Mi", "Gi", "e3", "e-2", "E+1"]
const texts = fc.tuple(
  fc.constantFrom("", "-", "+"),
  fc.nat(1_000_000),
  fc.option(fc.nat(99_999), { nil: undefined }),
  fc.constantFrom(...suffixes)
).map(([sign, whole, fraction, suffix]) => `${sign}${whole}${fraction === undefined ? "" : `.${fraction}`}${suffix}`)

describe("for any quantity", () => {
  it("the canonical form means the same, and is its own canonical form", () => {
    fc.assert(fc.property(texts, (text) => {
      const quantity = quantityOf(text)
      const canonical = formatQuantity(quantity)
      const again = quantityOf(canonical)
      assert.strictEqual(formatQuantity(again), canonical)
      // Binary notation has whole bytes only.
      if (quantity.format === "BinarySI") assert.isAtMost(Math.abs(Number(again.nano - quantity.nano)), 1e9)
      else assert.strictEqual(again.nano, quantity.nano)
    }))
  })

  it("rounding up never loses anything, and never gains a whole unit", () => {
    fc.assert(fc.property(texts, (text) => {
      const quantity = quantityOf(text)
      const excess = valueOf(quantity) * 1_000_000_000n - quantity.nano
      assert.isTrue(excess >= 0n && excess < 1_000_000_000n)
      assert.isTrue(milliValueOf(quantity) <= valueOf(quantity) * 1000n)
    }))
  })
})
