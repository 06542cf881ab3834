/**
 * What a container left to be read after its end (parity D14): its termination message file or, by
 * `FallbackToLogsOnError`, the end of its log.
 */
import { Context, Effect, Layer } from "effect"
import { annotationTerminationMessagePath, annotationTerminationMessagePolicy } from "../../domain/runtime/labels.ts"
import type { ContainerStatus } from "../../gen/cri/api_pb.ts"
import { HostFiles } from "../../layers/host/HostFiles.ts"

/** Bytes of the file, bytes and lines of the log that are read at most. */
const maxMessageBytes = 4096
const maxLogBytes = 2048
const maxLogLines = 80

export class TerminationMessages extends Context.Service<TerminationMessages, {
  /** The message of an exited container; the runtime's own message when it left none. Never fails. */
  readonly read: (status: ContainerStatus) => Effect.Effect<string>
}>()("kubeffect/programs/runtime/TerminationMessages") {}
