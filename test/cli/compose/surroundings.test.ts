import { assert, describe, it } from "@effect/vitest"
import { Effect, Layer, Result } from "effect"
import { claimOpenFiles, settleKernel } from "../../../src/cli/compose/surroundings.ts"
import { apiVersion, kind } from "../../../src/domain/kubeletConfig/file.ts"
import { effectiveConfig } from "../../../src/domain/kubeletConfig/layering.ts"
import * as HostFilesMemory from "../../../src/layers/host/HostFilesMemory.ts"
import * as ProcessesMemory from "../../../src/layers/host/ProcessesMemory.ts"

const configured = (fields: Readonly<Record<string, unknown>> = {}) =>
  Result.getOrThrow(
    effectiveConfig({ file: { source: "t", document: { apiVersion, kind, ...fields } }, dropIns: [], flags: [] })
  )

const machine = () => {
  const host = new HostFilesMemory.MemoryHost()
  host.makeDirectories("/proc/sys/vm")
  host.makeDirectories("/proc/sys/kernel")
  host.write("/proc/sys/vm/overcommit_memory", "0\n")
  host.write("/proc/sys/kernel/panic", "10\n")
  return host
}

describe("A15: the process and its machine", () => {
  it.effect("A15: the kernel's settings are written where they differ", () => {
    const host = machine()
    return Effect.gen(function*() {
      yield* settleKernel(configured())
      assert.strictEqual(host.readText("/proc/sys/vm/overcommit_memory"), "1")
      assert.strictEqual(host.readText("/proc/sys/kernel/panic"), "10\n")
    }).pipe(Effect.provide(HostFilesMemory.layer(host)))
  })

  it.effect("A15: protected ones end the start with what is wrong", () => {
    const host = machine()
    return Effect.gen(function*() {
      const error = yield* Effect.flip(settleKernel(configured({ protectKernelDefaults: true })))
      assert.deepStrictEqual(error.problems, [
        "invalid kernel flag: vm/overcommit_memory, expected value: 1, actual value: 0"
      ])
      assert.strictEqual(host.readText("/proc/sys/vm/overcommit_memory"), "0\n")
    }).pipe(Effect.provide(HostFilesMemory.layer(host)))
  })

  it.effect("A15: the limit of open files is set for this process; a refusal ends nothing", () => {
    const handle = ProcessesMemory.makeHandle()
    const asked: Array<string> = []
    handle.programs.set("prlimit", ({ args }) =>
      Effect.sync(() => {
        asked.push(args.join(" "))
        return { exitCode: 1, stdout: "", stderr: "prlimit: failed to set the NOFILE resource limit" }
      }))
    return Effect.gen(function*() {
      yield* claimOpenFiles(configured({ maxOpenFiles: 5000 }), 42)
      assert.deepStrictEqual(asked, ["--pid 42 --nofile=5000:5000"])
    }).pipe(Effect.provide(Layer.merge(ProcessesMemory.layer(handle), HostFilesMemory.layer(machine()))))
  })
})
