import { assert, describe, it } from "@effect/vitest"
import { Effect, Layer } from "effect"
import { TestClock } from "effect/testing"
import { HostFiles } from "../../../src/layers/host/HostFiles.ts"
import * as HostFilesMemory from "../../../src/layers/host/HostFilesMemory.ts"
import { hostFilesContract } from "../../contract/HostFilesContract.ts"
import { inMemory } from "./scratch.ts"

const host = new HostFilesMemory.MemoryHost()
hostFilesContract("memory", Layer.merge(HostFilesMemory.layer(host), inMemory(host)))

describe("HostFiles: memory: what a disk can do", () => {
  it.effect("a full disk refuses the write and keeps the old content", () => {
    const host = new HostFilesMemory.MemoryHost()
    host.write("/a", "old")
    host.limit("/", { bytes: 4096 })
    return Effect.gen(function*() {
      const files = yield* HostFiles
      const error = yield* Effect.flip(files.writeFile("/a", new Uint8Array(5000)))
      assert.strictEqual(error.code, "ENOSPC")
      assert.strictEqual(error.reason._tag, "Retryable")
      assert.strictEqual(host.readText("/a"), "old")
      host.limit("/", { bytes: 8192 })
      yield* files.writeFile("/a", new Uint8Array(5000))
      yield* files.removeFile("/a")
      assert.strictEqual((yield* files.statfs("/")).availableBytes, 8192)
    }).pipe(Effect.provide(HostFilesMemory.layer(host)))
  })

  it.effect("times come from the Clock", () => {
    const host = new HostFilesMemory.MemoryHost()
    return Effect.gen(function*() {
      const files = yield* HostFiles
      yield* TestClock.setTime(5_000)
      yield* files.writeFile("/a", "")
      assert.strictEqual((yield* files.stat("/a")).mtimeMs, 5_000)
    }).pipe(Effect.provide(HostFilesMemory.layer(host)))
  })

  it("a handle outlives its agents; a reboot takes tmpfs with it", () => {
    const host = new HostFilesMemory.MemoryHost()
    host.makeDirectories("/run")
    host.write("/disk", "1")
    host.mount({ source: "tmpfs", fsType: "tmpfs", target: "/run", options: ["size=8192k"] })
    host.write("/run/x", "1")
    host.reboot()
    assert.strictEqual(host.exists("/run/x"), false)
    assert.strictEqual(host.exists("/disk"), true)
  })
})
