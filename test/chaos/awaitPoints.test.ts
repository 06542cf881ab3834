/** The agent dies at points where it waits, and another one takes over; `kubeffect chaos --await-points 1` visits all. */
import { assert, describe, it } from "@effect/vitest"
import { visitAwaitPoints } from "../../src/testing/awaitPoints.ts"

describe("await points", () => {
  it("no invariant breaks when the agent dies at every thirtieth of them", () => {
    const { broken, chosen, points, visited } = visitAwaitPoints({ seed: 1, stride: 30 })
    assert.deepStrictEqual(broken, [])
    assert.strictEqual(visited, chosen)
    assert.isAbove(points.length, 400)
    for (const kind of ["call", "answer", "event", "timer"]) {
      assert.isTrue(points.some((point) => point.kind === kind), kind)
    }
  }, 120_000)
})
