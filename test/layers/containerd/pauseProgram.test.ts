/** The program of a sandbox, run as a process of its own. */
import { assert, it } from "@effect/vitest"
import { Effect, Schedule } from "effect"
import { spawn } from "node:child_process"
import { readFileSync } from "node:fs"
import { mkdtemp, rm, writeFile } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { describe } from "vitest"
import { pauseProgram } from "../../../src/layers/containerd/pauseProgram.ts"

const started = Effect.gen(function*() {
  const folder = yield* Effect.acquireRelease(
    Effect.promise(() => mkdtemp(join(tmpdir(), "kubeffect-pause-"))),
    (path) => Effect.promise(() => rm(path, { recursive: true }))
  )
  const path = join(folder, "pause")
  yield* Effect.promise(() => writeFile(path, pauseProgram(process.arch) ?? "", { mode: 0o755 }))
  return yield* Effect.callback<ReturnType<typeof spawn>>((resume) => {
    const child = spawn(path)
    child.once("spawn", () => resume(Effect.succeed(child)))
    child.once("error", (cause) => resume(Effect.die(cause)))
  })
})

describe("pauseProgram", () => {
  it.live("sleeps until SIGTERM, past other signals, and ends with 0", () =>
    Effect.gen(function*() {
      const child = yield* started
      const ended = Effect.callback<readonly [number | null, string | null]>((resume) => {
        child.once("exit", (code, signal) => resume(Effect.succeed([code, signal])))
      })
      // Between exec and its first instruction any signal would end it.
      yield* Effect.sync(() => readFileSync(`/proc/${child.pid}/status`, "utf8")).pipe(
        Effect.repeat({
          schedule: Schedule.spaced("5 millis").pipe(Schedule.upTo({ times: 1000 })),
          until: (status) => /^SigBlk:\s*f{4}/m.test(status)
        })
      )
      // Signals of lower number are taken first, so it has lived through these when it ends.
      for (const signal of ["SIGHUP", "SIGUSR1"] as const) child.kill(signal)
      child.kill("SIGTERM")
      assert.deepEqual(yield* ended, [0, null])
    }))

  it("is written for the machines that Node is shipped for here", () => {
    for (const arch of ["x64", "arm64"]) assert.isDefined(pauseProgram(arch))
    assert.isUndefined(pauseProgram("toString"))
  })
})
