import { assert, describe, it } from "@effect/vitest"
import { progressLine } from "../../src/cli/chaos/progress.ts"

describe("the progress of a sweep", () => {
  it.each([
    { given: { done: 0, total: 4, failed: 0, elapsedMs: 5 }, want: /^░{30} 0\/4 seeds, 0 failed$/, why: "no pace yet" },
    {
      given: { done: 2, total: 4, failed: 1, elapsedMs: 3000 },
      want: /^█{15}░{15} 2\/4 seeds, 1 failed, 2400 an hour, 3s left$/,
      why: "half of it"
    },
    {
      given: { done: 1, total: 8000, failed: 0, elapsedMs: 1000 },
      want: / 3600 an hour, 2h13m left$/,
      why: "long sweeps count in hours"
    }
  ])("$why", ({ given, want }) => assert.match(progressLine(given), want))
})
