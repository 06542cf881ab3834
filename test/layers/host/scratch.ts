/** Scratch directories for the contracts: on the real disk, and in a `MemoryHost`. */
import { Effect, Layer } from "effect"
import { mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import type { MemoryHost } from "../../../src/layers/host/HostFilesMemory.ts"
import { Scratch } from "../../contract/HostFilesContract.ts"

/** A directory of the test's own, gone with the layer. */
export const onDisk = Layer.effect(
  Scratch,
  Effect.gen(function*() {
    const made: Array<string> = []
    yield* Effect.addFinalizer(() =>
      Effect.sync(() => {
        for (const path of made) rmSync(path, { recursive: true, force: true })
      })
    )
    return Scratch.of({
      make: Effect.sync(() => {
        const path = mkdtempSync(join(tmpdir(), "kubeffect-host-"))
        made.push(path)
        return path
      })
    })
  })
)

export const inMemory = (host: MemoryHost) => {
  let count = 0
  return Layer.succeed(
    Scratch,
    Scratch.of({
      make: Effect.sync(() => {
        const path = `/scratch/${count++}`
        host.makeDirectories(path)
        return path
      })
    })
  )
}
