/** The contract of calls as such: identity, deadlines, interruption. */
import { assert } from "@effect/vitest"
import { Clock, Effect, Fiber } from "effect"
import { Cri } from "../../../src/layers/cri/Cri.ts"
import { type ContractTests, sandbox, started } from "./scenario.ts"

export const callContract = (it: ContractTests) => {
  it.effect("says who it is, and that it is ready", () =>
    Effect.gen(function*() {
      const cri = yield* Cri
      const version = yield* cri.version({})
      assert.strictEqual(version.runtimeApiVersion, "v1")
      assert.notStrictEqual(version.runtimeName, "")
      const { status } = yield* cri.status({})
      const conditions = (status?.conditions ?? []).filter((each) => each.status).map((each) => each.type)
      assert.includeMembers(conditions, ["RuntimeReady", "NetworkReady"])
    }))

  it.effect("a call that misses its deadline fails as Uncertain", () =>
    Effect.gen(function*() {
      const cri = yield* Cri
      const containerId = yield* started(yield* sandbox())
      const error = yield* Effect.flip(
        cri.execSync({ containerId, cmd: ["sh", "-c", "sleep 30"] }, { timeoutMs: 300 })
      )
      assert.strictEqual(error.reason._tag, "Uncertain")
      assert.strictEqual(error.op, "ExecSync")
    }))

  it.effect("an interrupted call ends at once, and the runtime goes on", () =>
    Effect.gen(function*() {
      const cri = yield* Cri
      const containerId = yield* started(yield* sandbox())
      const call = yield* Effect.forkChild(cri.execSync({ containerId, cmd: ["sh", "-c", "sleep 30"] }))
      yield* cri.execSync({ containerId, cmd: ["sh", "-c", "sleep 0.2"], timeout: 5n })
      const before = yield* Clock.currentTimeMillis
      yield* Fiber.interrupt(call)
      assert.isBelow((yield* Clock.currentTimeMillis) - before, 2000)
      const { exitCode } = yield* cri.execSync({ containerId, cmd: ["sh", "-c", "exit 0"], timeout: 5n })
      assert.strictEqual(exitCode, 0)
    }))
}
