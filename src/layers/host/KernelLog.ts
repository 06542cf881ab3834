/** The kernel's own log, of which the agent wants to hear about processes that the system killed for want of memory. */
import { Context, Schema, type Stream } from "effect"
import { Failure } from "../../domain/failure.ts"

export class KernelLogError extends Schema.TaggedError<KernelLogError>()("KernelLogError", {
  op: Schema.String,
  target: Schema.String,
  reason: Failure,
  cause: Schema.optionalKey(Schema.Defect())
}) {
  override get message(): string {
    return `${this.op} ${this.target} failed`
  }
}

export interface KernelLogLine {
  /** Grows by one a line; a gap means that lines were overwritten before they could be read. */
  readonly sequence: number
  /** Since boot. */
  readonly timestampUs: number
  readonly text: string
}

export class KernelLog extends Context.Service<KernelLog, {
  /** Lines written after the call. Fails `Permanent` where the log cannot be read. */
  readonly lines: Stream.Stream<KernelLogLine, KernelLogError>
}>()("kubeffect/layers/host/KernelLog") {}
