import { assert, describe, it } from "@effect/vitest"
import { readFileSync } from "node:fs"
import { makeDice } from "../../../src/domain/chaos/dice.ts"
import { drawFaults } from "../../../src/domain/chaos/draw.ts"
import { aimsAt, describeFault } from "../../../src/domain/chaos/fault.ts"
import { blows, callClasses, families } from "../../../src/domain/chaos/faultClasses.ts"

const docs = readFileSync(new URL("../../../docs/chaos.md", import.meta.url), "utf8")
const kinds = [...Object.keys(callClasses), ...Object.keys(blows)]

describe("faults", () => {
  it.each([
    { aim: "pods", target: "pods web", want: true, why: "a part of the target" },
    { aim: "pods", target: "nodes n1", want: false, why: "about something else" },
    { aim: "1/3", target: "", want: false, why: "a share of targets says nothing of calls about none" }
  ])(
    "aimed at $aim, a call about '$target' → $want: $why",
    ({ aim, target, want }) => assert.strictEqual(aimsAt(aim, target), want)
  )

  it("shares of targets leave none out and take none twice", () => {
    for (let i = 0; i < 200; i += 1) {
      const struck = ["1/3", "2/3", "3/3"].filter((aim) => aimsAt(aim, `container-${i}`))
      assert.strictEqual(struck.length, 1)
    }
  })

  it("there are at least 24 kinds, all told of, each with its probability", () => {
    assert.isAtLeast(kinds.length, 24)
    assert.deepStrictEqual(kinds.filter((kind) => !docs.includes(`\`${kind}\``)), [])
    for (const { probability: [min, max], targets } of Object.values(callClasses)) {
      assert.isTrue(min > 0 && min <= max && max <= 1)
      assert.isNotEmpty(targets)
    }
  })

  it("those that are drawn have windows within the run, and may be aimed", () => {
    const drawn = Array.from(
      { length: 60 },
      (_, seed) => drawFaults({ seed: String(seed), kinds: families, nodes: ["n1"], untilMs: 60_000, faultsMax: 8 })
    ).flat()
    const calls = drawn.flatMap((fault) => fault._tag === "Calls" ? [fault] : [])
    assert.isTrue(calls.every(({ fromMs, untilMs }) => fromMs >= 0 && fromMs < untilMs && untilMs <= 60_000))
    assert.isTrue(calls.some(({ target }) => target !== undefined))
    assert.isTrue(calls.some(({ target }) => target === undefined))
    assert.match(describeFault({ ...calls[0]!, target: "2/3" }), / of calls about 2\/3 of all targets$/)
  })

  it("a stale list is old, but not by how much is the same each time", () => {
    const verdicts = Array.from(
      { length: 20 },
      (_, seed) => callClasses["api-stale-list"]?.verdict(makeDice(`${seed}`))
    )
    assert.isAbove(new Set(verdicts.map((verdict) => verdict?._tag === "Stale" ? verdict.changes : 0)).size, 3)
  })
})
