/** Runs that once broke an invariant, with the fewest faults that did it. Each stays here for good. */
import { assert, describe, it } from "@effect/vitest"
import type { Fault } from "../../src/domain/chaos/fault.ts"
import { runChaos } from "../../src/testing/chaosRun.ts"

interface Regression {
  readonly seed: number
  readonly why: string
  readonly pods: number
  readonly minutes: number
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
    pods: 6,
    minutes: 2,
    why: "a status patch that the server refuses as a conflict is sent again, and the pod does not stay Pending",
    faults: [calls("api-conflict", 0, 90_000, 0.5, "6/2")]
  },
  {
    seed: 1053,
    pods: 8,
    minutes: 4,
    why: "F7: a sandbox whose making was not answered, and that cannot be listed yet, keeps its pod's object",
    faults: [
      calls("cri-lost-reply", 5370, 187_443, 0.55, "1053/6"),
      calls("cri-unavailable", 11_070, 85_700, 1, "1053/8")
    ]
  }
]

describe("runs that once failed", () => {
  it.each(regressions)("seed $seed: $why", ({ faults, minutes, pods, seed }) => {
    const result = runChaos({ seed, nodes: 1, pods, kinds: [], faultsMax: 0, minutes, faults })
    assert.isUndefined(result.violation)
  })
})
