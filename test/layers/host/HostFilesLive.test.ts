import { Effect, Layer } from "effect"
import { mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import * as HostFilesLive from "../../../src/layers/host/HostFilesLive.ts"
import { hostFilesContract, Scratch } from "../../contract/HostFilesContract.ts"

/** A directory of the test's own, gone with the layer. */
const scratch = Layer.effect(
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
        const path = mkdtempSync(join(tmpdir(), "kubeffect-files-"))
        made.push(path)
        return path
      })
    })
  })
)

hostFilesContract("live", Layer.merge(HostFilesLive.layer, scratch))
