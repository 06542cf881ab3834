import { assert, describe, it } from "@effect/vitest"
import { Effect, Layer, Option } from "effect"
import { TestClock } from "effect/testing"
import * as ProcessesMemory from "../../../src/layers/host/ProcessesMemory.ts"
import { NodeReadModel } from "../../../src/layers/streaming/NodeReadModel.ts"
import { tellSystemd } from "../../../src/programs/process/tellSystemd.ts"

const make = () => {
  const notes: Array<string> = []
  const health = { problem: Option.none<string>() }
  const handle = ProcessesMemory.makeHandle()
  handle.programs.set("systemd-notify", ({ args }) =>
    Effect.sync(() => {
      notes.push(args.join(" "))
      return { exitCode: 0, stdout: "", stderr: "" }
    }))
  const under = Layer.merge(
    ProcessesMemory.layer(handle),
    Layer.mock(NodeReadModel)({
      nodeName: "n1",
      podCgroup: () => Option.none(),
      health: Effect.sync(() => [{ name: "PLEG", problem: health.problem }])
    })
  )
  return { notes, health, handle, under }
}

describe("A15: systemd hears of the agent", () => {
  it.effect("A15: once that it is ready, and then signs of life while it is well", () => {
    const { health, notes, under } = make()
    return Effect.gen(function*() {
      yield* Effect.forkChild(tellSystemd({ wanted: true, watchdogMs: 10_000 }))
      yield* TestClock.adjust("25 seconds")
      assert.deepStrictEqual(notes, ["READY=1", "WATCHDOG=1", "WATCHDOG=1", "WATCHDOG=1"])
      health.problem = Option.some("pleg was last seen active 4m0s ago")
      yield* TestClock.adjust("30 seconds")
      assert.strictEqual(notes.length, 4)
      health.problem = Option.none()
      yield* TestClock.adjust("10 seconds")
      assert.strictEqual(notes.length, 5)
    }).pipe(Effect.provide(under))
  })

  it.effect("A15: nothing where nobody listens, and a missing systemd-notify ends nothing", () => {
    const { handle, notes, under } = make()
    return Effect.gen(function*() {
      yield* Effect.forkChild(tellSystemd({ wanted: false, watchdogMs: undefined }))
      handle.programs.clear()
      const running = yield* Effect.forkChild(tellSystemd({ wanted: true, watchdogMs: 1000 }))
      yield* TestClock.adjust("10 seconds")
      assert.deepStrictEqual(notes, [])
      assert.isUndefined(running.pollUnsafe())
    }).pipe(Effect.provide(under))
  })
})
