/** One try of a network probe, and one call of an HTTP hook. When to try and what a result means is not decided here. */
import { Context, type Effect, Schema } from "effect"
import { Failure } from "../../domain/failure.ts"

/** The try itself could not be made; neither success nor failure of what was to be probed (parity H2). */
export class ProbeError extends Schema.TaggedError<ProbeError>()("ProbeError", {
  op: Schema.String,
  target: Schema.String,
  reason: Failure,
  detail: Schema.String,
  cause: Schema.optionalKey(Schema.Defect())
}) {
  override get message(): string {
    return this.detail
  }
}

export interface HttpTarget {
  readonly scheme: "http" | "https"
  readonly host: string
  readonly port: number
  /** With its query. */
  readonly path: string
  /** In order; a name may repeat. `Host` names the host asked for. */
  readonly headers: ReadonlyArray<{ readonly name: string; readonly value: string }>
}

export interface SocketTarget {
  readonly host: string
  readonly port: number
}

/** `warning`: a success worth an event, such as a redirect to another host (parity H4). */
export interface ProbeReply {
  readonly result: "success" | "warning" | "failure"
  /** What users read in the event `Unhealthy`. */
  readonly output: string
}

export class Prober extends Context.Service<Prober, {
  /** GET without proxy, keep-alive or certificate checks; 200–399 is a success. Too slow is a failure. */
  readonly http: (target: HttpTarget, timeoutMs: number) => Effect.Effect<ProbeReply, ProbeError>
  /** A connection that opens is a success. */
  readonly tcp: (target: SocketTarget, timeoutMs: number) => Effect.Effect<ProbeReply, ProbeError>
  /** `grpc.health.v1.Health/Check`; only `SERVING` is a success. */
  readonly grpc: (
    target: SocketTarget & { readonly service: string },
    timeoutMs: number
  ) => Effect.Effect<ProbeReply, ProbeError>
  /** The GET of a lifecycle hook: any answer below 400 is a success, https falls back to plain http (parity D13). */
  readonly hook: (target: HttpTarget, timeoutMs: number) => Effect.Effect<ProbeReply, ProbeError>
}>()("kubeffect/layers/probes/Prober") {}
