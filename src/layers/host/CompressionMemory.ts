/** Compression of files that lie in memory. */
import { Effect, Layer } from "effect"
import { gzipSync } from "node:zlib"
import { Compression } from "./Compression.ts"
import { HostFiles } from "./HostFiles.ts"

export const layer: Layer.Layer<Compression, never, HostFiles> = Layer.effect(
  Compression,
  Effect.gen(function*() {
    const files = yield* HostFiles
    return Compression.of({
      gzipFile: Effect.fn("Compression.gzipFile")(function*(from, to) {
        const { gid, mode, uid } = yield* files.stat(from)
        yield* files.writeFile(to, gzipSync(yield* files.readFile(from)), { mode, uid, gid })
      })
    })
  })
)
