import { assert, describe, it } from "@effect/vitest"
import { Effect, Layer } from "effect"
import * as HostFilesMemory from "../../../src/layers/host/HostFilesMemory.ts"
import { Mounts } from "../../../src/layers/host/Mounts.ts"
import * as MountsMemory from "../../../src/layers/host/MountsMemory.ts"
import { hostMountsContract } from "../../contract/HostMountsContract.ts"
import { inMemory } from "./scratch.ts"

const host = new HostFilesMemory.MemoryHost()
hostMountsContract("memory", Layer.mergeAll(HostFilesMemory.layer(host), MountsMemory.layer(host), inMemory(host)))

describe("Mounts: memory", () => {
  it.effect("a mount that somebody uses is busy until they let go", () => {
    const host = new HostFilesMemory.MemoryHost()
    host.makeDirectories("/m")
    return Effect.gen(function*() {
      const mounts = yield* Mounts
      yield* mounts.mount({ source: "tmpfs", target: "/m", fsType: "tmpfs", options: [] })
      host.setBusy("/m", true)
      assert.strictEqual((yield* Effect.flip(mounts.unmount("/m"))).code, "EBUSY")
      host.setBusy("/m", false)
      yield* mounts.unmount("/m")
    }).pipe(Effect.provide(MountsMemory.layer(host)))
  })

  it.effect("a device keeps its content between mounts", () => {
    const host = new HostFilesMemory.MemoryHost()
    host.makeDirectories("/m")
    host.addDevice("/dev/sdb", "ext4")
    return Effect.gen(function*() {
      const mounts = yield* Mounts
      const request = { source: "/dev/sdb", target: "/m", fsType: "ext4", options: [] }
      yield* mounts.mount(request)
      host.write("/m/f", "1")
      yield* mounts.unmount("/m")
      assert.strictEqual(host.exists("/m/f"), false)
      yield* mounts.mount(request)
      assert.strictEqual(host.readText("/m/f"), "1")
    }).pipe(Effect.provide(MountsMemory.layer(host)))
  })
})
