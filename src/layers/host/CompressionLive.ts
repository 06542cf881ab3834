/** Compression by zlib, as a stream: a log of any size takes a few buffers of memory. */
import { Effect, Layer } from "effect"
import { createReadStream, createWriteStream } from "node:fs"
import { chmod, chown, stat } from "node:fs/promises"
import { pipeline } from "node:stream/promises"
import { createGzip } from "node:zlib"
import { Compression } from "./Compression.ts"
import { fileCall } from "./live/fileCall.ts"

/** Gigabytes take minutes. */
const deadlineMs = 600_000

const gzipFile = async (from: string, to: string, signal: AbortSignal): Promise<void> => {
  const { gid, mode, uid } = await stat(from)
  // Nobody else reads it before it has its owner.
  const target = createWriteStream(to, { mode: 0o600 })
  await pipeline(createReadStream(from), createGzip(), target, { signal })
  await chown(to, uid, gid)
  await chmod(to, mode & 0o7777)
}

export const layer: Layer.Layer<Compression> = Layer.succeed(
  Compression,
  Compression.of({
    gzipFile: Effect.fn("Compression.gzipFile")((from, to) =>
      fileCall("gzip", from, (signal) => gzipFile(from, to, signal), deadlineMs)
    )
  })
)
