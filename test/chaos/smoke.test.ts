/** A few seeds of every family, on each run of the tests; `kubeffect chaos` plays them by the thousand. */
import { assert, describe, it } from "@effect/vitest"
import { describeFault } from "../../src/domain/chaos/fault.ts"
import { families } from "../../src/domain/chaos/faultClasses.ts"
import { type ChaosOptions, runChaos } from "../../src/testing/chaosRun.ts"

const options = (seed: number): ChaosOptions => ({
  seed,
  nodes: 1,
  pods: 4,
  kinds: families,
  faultsMax: 5,
  minutes: 1
})

const told = (seed: number) => {
  const { faults, violation } = runChaos(options(seed))
  return violation === undefined
    ? ""
    : `seed ${seed}: ${violation.invariant} at ${violation.atMs} ms: ${violation.message}; ` +
      faults.map(describeFault).join("; ")
}

describe("chaos", () => {
  it("no invariant breaks under the faults of some seeds", () => {
    assert.deepStrictEqual(Array.from({ length: 5 }, (_, index) => told(index + 1)).filter((text) => text !== ""), [])
  }, 120_000)

  it("a seed gives the same run again, another one another", () => {
    const [once, again, other] = [runChaos(options(3)), runChaos(options(3)), runChaos(options(4))]
    assert.strictEqual(once.hash, again.hash)
    assert.notStrictEqual(once.hash, other.hash)
  }, 60_000)
})
