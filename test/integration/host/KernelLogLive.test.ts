import { assert, describe, it } from "@effect/vitest"
import { Effect, Fiber, Schedule, Stream } from "effect"
import { writeFileSync } from "node:fs"
import { KernelLog } from "../../../src/layers/host/KernelLog.ts"
import * as KernelLogLive from "../../../src/layers/host/KernelLogLive.ts"

describe("B14: /dev/kmsg", () => {
  it.live("lines written after the call are heard, once and in order; older ones are not", () =>
    Effect.gen(function*() {
      const mark = `kubeffect-test-${process.pid}`
      writeFileSync("/dev/kmsg", `${mark} before\n`)
      const log = yield* KernelLog
      const heard = yield* Effect.forkChild(
        log.lines.pipe(Stream.filter(({ text }) => text.startsWith(mark)), Stream.take(2), Stream.runCollect)
      )
      // The call is in place at some point; what is written before that point is not heard, so it is written on.
      const writing = yield* Effect.forkChild(
        Effect.sync(() => writeFileSync("/dev/kmsg", `${mark} after\n`)).pipe(Effect.repeat(Schedule.spaced(200)))
      )
      const lines = yield* Fiber.join(heard)
      yield* Fiber.interrupt(writing)
      assert.deepStrictEqual(lines.map(({ text }) => text), [`${mark} after`, `${mark} after`])
      assert.isAbove(lines[1]?.sequence ?? 0, lines[0]?.sequence ?? 0)
    }).pipe(Effect.provide(KernelLogLive.layer)))
})
