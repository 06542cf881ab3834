import { assert, describe, it } from "@effect/vitest"
import { drawFaults } from "../../../src/domain/chaos/draw.ts"
import { families } from "../../../src/domain/chaos/faultClasses.ts"
import { shrink } from "../../../src/domain/chaos/shrink.ts"

const items = Array.from({ length: 20 }, (_, index) => index)

describe("shrink", () => {
  it.each([
    { needed: [7], why: "one culprit" },
    { needed: [3, 17], why: "two far apart" },
    { needed: [], why: "no fault is needed" }
  ])(
    "finds $needed: $why",
    ({ needed }) =>
      assert.deepStrictEqual(shrink(items, (some) => needed.every((one) => some.includes(one)), 200), needed)
  )

  it("asks no oftener than it may, and what it gives has failed", () => {
    let asked = 0
    const few = shrink(items, (some) => (asked += 1) > 0 && some.includes(5) && some.includes(6), 4)
    assert.strictEqual(asked, 4)
    assert.includeMembers([...few], [5, 6])
  })
})

describe("drawFaults", () => {
  it("draws the same for the same seed", () => {
    const draw = (seed: string) => drawFaults({ seed, kinds: families, nodes: ["n1"], untilMs: 60_000, faultsMax: 8 })
    assert.deepStrictEqual(draw("1"), draw("1"))
    assert.notDeepEqual(draw("1"), draw("2"))
  })
})
