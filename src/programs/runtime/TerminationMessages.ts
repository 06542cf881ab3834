/**
 * What a container left to be read after its end (parity D14): its termination message file or, by
 * `FallbackToLogsOnError`, the end of its log.
 */
import { Context, Effect, Layer, Option } from "effect"
import {
  fallbackLogBytes,
  firstBytes,
  logTail,
  maxMessageBytes,
  usesLogs
} from "../../domain/config/terminationMessage.ts"
import { read, readRest, startReading } from "../../domain/logs/reading.ts"
import { annotationTerminationMessagePath, annotationTerminationMessagePolicy } from "../../domain/runtime/labels.ts"
import type { ContainerStatus } from "../../gen/cri/api_pb.ts"
import { HostFiles } from "../../layers/host/HostFiles.ts"

export class TerminationMessages extends Context.Service<TerminationMessages, {
  /** The message of an exited container; the runtime's own message when it left none. Never fails. */
  readonly read: (status: ContainerStatus) => Effect.Effect<string>
}>()("kubeffect/programs/runtime/TerminationMessages") {}

/** Every log line carries a time, a stream and a tag before its text: read enough for 80 short lines. */
const logWindowBytes = fallbackLogBytes + 80 * 64

const wholeLog = {
  since: Option.none(),
  timestamps: false,
  limitBytes: Option.none(),
  stream: "All" as const,
  maxEntries: Option.none()
}

const decoder = new TextDecoder()

/** The text of the entries in the last bytes of a log file; the first line of them is likely cut and left out. */
const textOf = (bytes: Uint8Array): string => {
  const first = read(wholeLog, startReading(wholeLog), bytes)
  const rest = readRest(wholeLog, first.state)
  return decoder.decode(first.output) + decoder.decode(rest.output)
}

export const layer: Layer.Layer<TerminationMessages, never, HostFiles> = Layer.effect(
  TerminationMessages,
  Effect.gen(function*() {
    const files = yield* HostFiles

    // A file that is gone or unreadable says nothing, which is what most containers say.
    const fileText = (status: ContainerStatus) => {
      const path = status.annotations[annotationTerminationMessagePath] ?? ""
      const mount = status.mounts.find((candidate) => candidate.containerPath === path)
      if (path === "" || mount === undefined) return Effect.succeed("")
      return files.readRange(mount.hostPath, { offsetBytes: 0, lengthBytes: maxMessageBytes }).pipe(
        Effect.map((bytes) => firstBytes(decoder.decode(bytes), maxMessageBytes)),
        Effect.catch((error) => Effect.as(Effect.logDebug("no termination message", error), ""))
      )
    }

    const logText = (status: ContainerStatus) =>
      files.readTail(status.logPath, logWindowBytes).pipe(
        Effect.map((bytes) => logTail(textOf(bytes))),
        Effect.catch((error) => Effect.as(Effect.logDebug("no log to take a termination message from", error), ""))
      )

    return TerminationMessages.of({
      read: Effect.fnUntraced(function*(status) {
        const message = yield* fileText(status)
        const policy = status.annotations[annotationTerminationMessagePolicy] ?? ""
        const text = usesLogs({ policy, exitCode: status.exitCode, message }) ? yield* logText(status) : message
        return text === "" ? status.message : text
      })
    })
  })
)
