import { assert, describe, it } from "@effect/vitest"
import { Exit } from "effect"
import { Action, type PodMemory } from "../../../src/domain/pod/model.ts"
import { laneOf, occupy, settle } from "../../../src/programs/pods/lanes.ts"
import { Outcome } from "../../../src/programs/pods/PodActions.ts"

const idle: PodMemory = {
  acceptedAtMs: 0,
  lastStatus: undefined,
  startFailures: {},
  sandboxFailure: undefined,
  restartBackoff: {},
  busy: { sandbox: false, start: undefined, kills: {} },
  termination: undefined
}
const run = Action.RunSandbox({ attempt: 0, why: "FirstStart" })
const start = Action.StartContainer({ name: "c", kind: "regular", sandboxId: "s", restartCount: 0, why: "FirstStart" })
const kill = Action.KillContainer({ id: "k", name: "c", graceMs: 1, runPreStop: true, why: "PodFinished", message: "" })
const failure = { reason: "ErrImagePull", message: "no", atMs: 5 }

describe("lanes", () => {
  it.each([
    { action: run, lane: "sandbox" },
    { action: Action.StopSandbox({ id: "s", why: "PodFinished" }), lane: "sandbox" },
    { action: start, lane: "start" },
    { action: kill, lane: "container:k" },
    { action: Action.RemoveContainer({ id: "k", name: "c" }), lane: "container:k" },
    { action: Action.CancelStart({ name: "c" }), lane: undefined }
  ])("$action._tag runs in lane $lane", ({ action, lane }) => assert.strictEqual(laneOf(action), lane))

  it.each([run, start, kill])(
    "$_tag: a lane is busy from plan to outcome, and an interruption leaves no trace",
    (action) => {
      const busy = occupy(idle, action)
      assert.notDeepEqual(busy, idle)
      assert.deepStrictEqual(settle(busy, action, Exit.interrupt(1)), idle)
      assert.deepStrictEqual(settle(busy, action, Exit.succeed(Outcome.Done())), idle)
    }
  )

  it("N2: failures in a row are counted, a success ends the row", () => {
    const failed = Exit.succeed(Outcome.StartFailed({ name: "c", failure }))
    const once = settle(occupy(idle, start), start, failed)
    const twice = settle(occupy(once, start), start, failed)
    assert.deepStrictEqual(twice.startFailures["c"], { ...failure, tries: 2 })
    assert.deepStrictEqual(settle(twice, start, Exit.succeed(Outcome.Done())).startFailures, {})
  })

  it("a sandbox that came to be ends the row of failed ones", () => {
    const failed = settle(occupy(idle, run), run, Exit.succeed(Outcome.SandboxFailed({ failure })))
    assert.strictEqual(failed.sandboxFailure?.tries, 1)
    assert.isUndefined(settle(failed, run, Exit.succeed(Outcome.Done())).sandboxFailure)
  })
})
