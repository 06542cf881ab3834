/** Compresses files of the node, as rotated logs are. */
import { Context, type Effect } from "effect"
import type { HostFileError } from "./HostFiles.ts"

export class Compression extends Context.Service<Compression, {
  /**
   * Writes the gzip of `from` to `to`, with its mode and owner; replaces what was there. Not atomic: a call that fails or
   * is interrupted may leave a part of `to`.
   */
  readonly gzipFile: (from: string, to: string) => Effect.Effect<void, HostFileError>
}>()("kubeffect/layers/host/Compression") {}
