/** Which programs of the machine mounts are made with: file systems of servers need the helpers that `mount` finds. */
import { assert, describe, it } from "@effect/vitest"
import { Effect, Layer } from "effect"
import * as HostFilesMemory from "../../../src/layers/host/HostFilesMemory.ts"
import { Mounts } from "../../../src/layers/host/Mounts.ts"
import * as MountsLive from "../../../src/layers/host/MountsLive.ts"
import * as ProcessesMemory from "../../../src/layers/host/ProcessesMemory.ts"

const world = Effect.sync(() => {
  const calls: Array<string> = []
  const handle = ProcessesMemory.makeHandle()
  for (const command of ["mount", "umount"]) {
    handle.programs.set(command, ({ args }) =>
      Effect.sync(() => {
        calls.push([command, ...args].join(" "))
        return { exitCode: args.includes("gone:/x") ? 32 : 0, stdout: "", stderr: "mount.nfs: access denied by server" }
      }))
  }
  const layer = MountsLive.layer.pipe(
    Layer.provide(Layer.merge(HostFilesMemory.layer(new HostFilesMemory.MemoryHost()), ProcessesMemory.layer(handle)))
  )
  return { calls, layer }
})

describe("mounts of the machine", () => {
  it.effect("I13: an NFS export is mounted by its type, with its options", () =>
    Effect.gen(function*() {
      const { calls, layer } = yield* world
      const mounts = yield* Effect.provide(Mounts, layer)
      yield* mounts.mount({ source: "server:/export", target: "/t", fsType: "nfs", options: ["hard", "nfsvers=4.1"] })
      assert.deepStrictEqual(calls, ["mount -t nfs -o hard,nfsvers=4.1 server:/export /t"])
      const error = yield* Effect.flip(mounts.mount({ source: "gone:/x", target: "/t", fsType: "nfs", options: [] }))
      assert.include(error.message, "access denied by server")
    }))

  it.effect("I21: what a server that is gone holds is let go by force, and at once", () =>
    Effect.gen(function*() {
      const { calls, layer } = yield* world
      const mounts = yield* Effect.provide(Mounts, layer)
      yield* mounts.unmount("/t", { force: true, lazy: true })
      assert.lengthOf(calls, 1)
      assert.match(calls[0] ?? "", /^umount .*-[fl].*\/t$/)
    }))
})
