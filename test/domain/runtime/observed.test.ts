import { assert, describe, it } from "@effect/vitest"
import { observedPod } from "../../../src/domain/runtime/observed.ts"
import { record, sandbox } from "../pod/fixtures.ts"

describe("what is newest", () => {
  it.each(
    [
      { runs: [[0, 1000], [1, 2000]], want: [1, 0], why: "what was made last" },
      { runs: [[1, 2000], [0, 1000]], want: [1, 0], why: "however it is listed" },
      { runs: [[3, 5000], [4, 100]], want: [4, 3], why: "the later attempt, though the clock was set back before it" }
    ] as const
  )("$why", ({ runs, want }) => {
    const sandboxes = runs.map(([attempt, createdAtMs]) => sandbox({ id: `s${attempt}`, attempt, createdAtMs }))
    const containers = runs.map(([restartCount, createdAtMs]) =>
      record("c", { id: `c${restartCount}`, restartCount, createdAtMs })
    )
    const observed = observedPod(sandboxes, containers)
    assert.deepStrictEqual(observed.sandboxes.map(({ attempt }) => attempt), [...want])
    assert.deepStrictEqual(observed.containers.map(({ restartCount }) => restartCount), [...want])
  })
})
