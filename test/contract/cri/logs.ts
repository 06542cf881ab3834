/** The contract of container logs: the files a runtime writes (D15). */
import { assert } from "@effect/vitest"
import { Effect } from "effect"
import { Cri } from "../../../src/layers/cri/Cri.ts"
import { type ContractTests, CriContractHost, eventually, exited, sandbox, started } from "./scenario.ts"

const line = /^(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d+(?:Z|[+-]\d\d:\d\d)) (stdout|stderr) ([FP]) (.*)$/

export const logContract = (it: ContractTests) => {
  it.effect("D15: log lines carry time, stream, tag and text", () =>
    Effect.gen(function*() {
      const host = yield* CriContractHost
      const inside = yield* sandbox()
      yield* exited(yield* started(inside, { script: "echo one; echo two >&2" }))
      const log = yield* eventually(
        host.readLog(`${inside.logFolder}/main_0.log`),
        (text) => text.split("\n").length === 3
      )
      const lines = log.trimEnd().split("\n").map((text) => line.exec(text)?.slice(2))
      // Two streams have no order among each other.
      assert.deepEqual(lines.toSorted(), [["stderr", "F", "two"], ["stdout", "F", "one"]])
    }))

  it.effect("D15: each attempt has a log of its own", () =>
    Effect.gen(function*() {
      const host = yield* CriContractHost
      const inside = yield* sandbox()
      for (const attempt of [0, 1]) {
        yield* exited(yield* started(inside, { attempt, script: `echo attempt ${attempt}` }))
        const log = yield* eventually(host.readLog(`${inside.logFolder}/main_${attempt}.log`), (text) => text !== "")
        assert.strictEqual(line.exec(log.trimEnd())?.[4], `attempt ${attempt}`)
      }
    }))

  it.effect("log: reopening starts a new file where the old one was moved away", () =>
    Effect.gen(function*() {
      const cri = yield* Cri
      const host = yield* CriContractHost
      const inside = yield* sandbox()
      const containerId = yield* started(inside, { script: "while true; do echo tick; sleep 0.1; done" })
      const path = `${inside.logFolder}/main_0.log`
      yield* eventually(host.readLog(path), (text) => text.includes("tick"))
      yield* host.renameLog(path, `${path}.1`)
      yield* cri.reopenContainerLog({ containerId })
      yield* eventually(host.readLog(path), (text) => text.includes("tick"))
    }))

  it.effect("log: only a running container reopens it", () =>
    Effect.gen(function*() {
      const cri = yield* Cri
      const containerId = yield* started(yield* sandbox(), { script: "exit 0" })
      yield* exited(containerId)
      assert.strictEqual((yield* Effect.flip(cri.reopenContainerLog({ containerId }))).op, "ReopenContainerLog")
      const never = yield* Effect.flip(cri.reopenContainerLog({ containerId: "never" }))
      assert.strictEqual(never.reason._tag, "NotFound")
    }))
}
