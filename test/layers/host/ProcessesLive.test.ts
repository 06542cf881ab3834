import { assert, layer } from "@effect/vitest"
import { Effect, Fiber, Schedule } from "effect"
import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { Processes } from "../../../src/layers/host/Processes.ts"
import * as ProcessesLive from "../../../src/layers/host/ProcessesLive.ts"
import { hostProcessesContract } from "../../contract/HostProcessesContract.ts"

const sh = (script: string) => ({ command: "/bin/sh", args: ["-c", script], timeoutMs: 10_000 })

/** Waits for what a real process does, within a bound. */
const eventually = (test: () => boolean) =>
  Effect.suspend(() => (test() ? Effect.void : Effect.fail("not yet"))).pipe(
    Effect.retry({ times: 500, schedule: Schedule.spaced(10) })
  )

hostProcessesContract("live", ProcessesLive.layer)

layer(ProcessesLive.layer, { excludeTestServices: true })("Processes: live", (it) => {
  it.effect("feeds stdin and replaces the environment and folder", () =>
    Effect.gen(function*() {
      const processes = yield* Processes
      const result = yield* processes.run({
        ...sh("cat; echo $A; echo ${HOME:-none}; pwd"),
        stdin: "in\n",
        env: { A: "b" },
        cwd: "/"
      })
      assert.strictEqual(result.stdout, "in\nb\nnone\n/\n")
    }))

  it.effect("too much output is refused", () =>
    Effect.gen(function*() {
      const processes = yield* Processes
      const error = yield* Effect.flip(processes.run({ ...sh("yes"), maxOutputBytes: 1000 }))
      assert.strictEqual(error.reason._tag, "Permanent")
    }))

  it.effect("interruption kills the program and its children", () =>
    Effect.gen(function*() {
      const processes = yield* Processes
      const dir = mkdtempSync(join(tmpdir(), "kubeffect-proc-"))
      yield* Effect.addFinalizer(() => Effect.sync(() => rmSync(dir, { recursive: true })))
      const pids = () => {
        try {
          return readFileSync(`${dir}/pids`, "utf8").trim().split("\n").map(Number)
        } catch {
          return []
        }
      }
      const fiber = yield* Effect.forkChild(
        processes.run(sh(`sleep 60 & echo $! > ${dir}/new; echo $$ >> ${dir}/new; mv ${dir}/new ${dir}/pids; wait`))
      )
      yield* eventually(() => pids().length === 2)
      const both = pids()
      assert.deepStrictEqual(yield* Effect.forEach(both, processes.exists), [true, true])
      yield* Fiber.interrupt(fiber)
      yield* eventually(() => !both.some((pid) => existsSync(`/proc/${pid}/exe`)))
    }))
})
