/**
 * /dev/kmsg. The device answers one record a read and cannot be waited for from Node (a blocking read would hold one of
 * its few file threads for ever), so it is looked at once a second; nothing is lost in between, the kernel keeps the log.
 */
import { Effect, Layer, Schedule, Stream } from "effect"
import { closeSync, constants, openSync, readSync } from "node:fs"
import { Permanent, Retryable } from "../../domain/failure.ts"
import { KernelLog, KernelLogError, type KernelLogLine } from "./KernelLog.ts"

const device = "/dev/kmsg"
const recordBytes = 8192
const intervalMs = 1000

/** `6,1234,567890,-;text`, then lines of further data that start with a space. */
export const parseRecord = (record: string): KernelLogLine | undefined => {
  const end = record.indexOf(";")
  if (end < 0) return undefined
  const [, sequence, timestamp] = record.slice(0, end).split(",")
  const [text] = record.slice(end + 1).split("\n")
  return { sequence: Number(sequence), timestampUs: Number(timestamp), text: text ?? "" }
}

const codeOf = (cause: unknown): string =>
  cause instanceof Error && "code" in cause && typeof cause.code === "string" ? cause.code : ""

/** All records there are. `EPIPE` says that some were overwritten before we came: go on with what is left. */
const drain = (fd: number): ReadonlyArray<KernelLogLine> => {
  const lines: Array<KernelLogLine> = []
  const buffer = Buffer.alloc(recordBytes)
  while (true) {
    try {
      const line = parseRecord(buffer.toString("utf8", 0, readSync(fd, buffer)))
      if (line !== undefined) lines.push(line)
    } catch (cause) {
      if (codeOf(cause) === "EAGAIN") return lines
      if (codeOf(cause) !== "EPIPE") throw cause
    }
  }
}

const open = Effect.acquireRelease(
  Effect.try({
    try: () => {
      const fd = openSync(device, constants.O_RDONLY | constants.O_NONBLOCK)
      drain(fd)
      return fd
    },
    catch: (cause) => new KernelLogError({ op: "open", target: device, reason: new Permanent(), cause })
  }),
  (fd) => Effect.sync(() => closeSync(fd))
)

const lines = Stream.unwrap(
  Effect.map(open, (fd) =>
    Stream.fromEffectSchedule(
      Effect.try({
        try: () => drain(fd),
        catch: (cause) => new KernelLogError({ op: "read", target: device, reason: new Retryable({}), cause })
      }),
      Schedule.spaced(intervalMs)
    ).pipe(Stream.flattenIterable))
)

export const layer: Layer.Layer<KernelLog> = Layer.succeed(KernelLog, KernelLog.of({ lines }))
