/** Runs that once broke an invariant, with the fewest faults that did it. Each stays here for good. */
import { assert, describe, it } from "@effect/vitest"
import type { Fault } from "../../src/domain/chaos/fault.ts"
import { runChaos } from "../../src/testing/chaosRun.ts"

interface Regression {
  readonly seed: number
  readonly why: string
  readonly faults: ReadonlyArray<Fault>
}

const calls = (name: string, fromMs: number, untilMs: number, probability: number, seed: string): Fault => ({
  _tag: "Calls",
  name,
  node: "n1",
  fromMs,
  untilMs,
  probability,
  seed
})

const regressions: ReadonlyArray<Regression> = [
  {
    seed: 6,
    why: "a status patch that the server refuses as a conflict is sent again, and the pod does not stay Pending",
    faults: [calls("api-conflict", 0, 90_000, 0.5, "6/2")]
  }
]

describe("runs that once failed", () => {
  it.each(regressions)("seed $seed: $why", ({ faults, seed }) => {
    const result = runChaos({ seed, nodes: 1, pods: 6, kinds: [], faultsMax: 0, minutes: 2, faults })
    assert.isUndefined(result.violation)
  })
})
