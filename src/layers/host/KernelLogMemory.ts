/** A kernel log that the test writes. */
import { Layer, type PubSub, Stream } from "effect"
import { KernelLog, type KernelLogLine } from "./KernelLog.ts"

export const layer = (log: PubSub.PubSub<KernelLogLine>): Layer.Layer<KernelLog> =>
  Layer.succeed(KernelLog, KernelLog.of({ lines: Stream.fromPubSub(log) }))
