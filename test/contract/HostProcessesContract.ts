/** What every `Processes` promises. Where it runs, `/bin/sh` knows the scripts below, for real or played. */
import { assert, layer } from "@effect/vitest"
import { Effect, type Layer } from "effect"
import { Processes } from "../../src/layers/host/Processes.ts"

/** Script → what it does. */
export const scripts = {
  fails: "echo out; echo err >&2; exit 3",
  hangs: "exec sleep 600",
  copies: "cat"
} as const

/** An id that no process has. */
const nobody = 2 ** 22 + 5

const sh = (script: string, timeoutMs = 10_000) => ({ command: "/bin/sh", args: ["-c", script], timeoutMs })

export const hostProcessesContract = (name: string, under: Layer.Layer<Processes, unknown>) =>
  layer(under, { excludeTestServices: true })(`Processes: ${name}`, (it) => {
    it.effect("a program that ran and failed is no error: its exit code and both outputs are the answer", () =>
      Effect.gen(function*() {
        const processes = yield* Processes
        const result = yield* processes.run(sh(scripts.fails))
        assert.deepStrictEqual(result, { exitCode: 3, stdout: "out\n", stderr: "err\n" })
      }))

    it.effect("what is fed to it arrives", () =>
      Effect.gen(function*() {
        const processes = yield* Processes
        assert.strictEqual((yield* processes.run({ ...sh(scripts.copies), stdin: "in" })).stdout, "in")
      }))

    it.effect("one that does not exist is NotFound", () =>
      Effect.gen(function*() {
        const processes = yield* Processes
        const error = yield* Effect.flip(processes.run({ command: "/no/such", args: [], timeoutMs: 1000 }))
        assert.strictEqual(error.reason._tag, "NotFound")
      }))

    it.effect("one that outlasts its deadline is Uncertain", () =>
      Effect.gen(function*() {
        const processes = yield* Processes
        const error = yield* Effect.flip(processes.run(sh(scripts.hangs, 50)))
        assert.strictEqual(error.reason._tag, "Uncertain")
      }))

    it.effect("a signal to nobody is NotFound, and nobody does not exist", () =>
      Effect.gen(function*() {
        const processes = yield* Processes
        assert.isFalse(yield* processes.exists(nobody))
        assert.strictEqual((yield* Effect.flip(processes.kill(nobody, "SIGTERM"))).reason._tag, "NotFound")
      }))
  })
