/**
 * gRPC as the agent speaks it to runtimes, drivers and plugins on unix sockets: a client is one mapped type over a
 * generated service descriptor, and every failure says what the caller may do next. Nothing here knows a transport.
 */
import type { DescMessage, MessageInitShape, MessageShape } from "@bufbuild/protobuf"
import { type Effect, Schema, type Stream } from "effect"
import { NotFound, Permanent, Retryable, Uncertain } from "../../domain/failure.ts"

/** The peer does not have this method: older than the interface, or built without it. */
export class Unimplemented extends Schema.TaggedClass<Unimplemented>()("Unimplemented", {}) {}

/** The object that the call would make is there already. */
export class AlreadyExists extends Schema.TaggedClass<AlreadyExists>()("AlreadyExists", {}) {}

export const GrpcFailure = Schema.Union([Retryable, Permanent, NotFound, Uncertain, Unimplemented, AlreadyExists])
export type GrpcFailure = typeof GrpcFailure.Type

/** The status codes of gRPC, by name. */
export const GrpcCode = {
  Ok: 0,
  Canceled: 1,
  Unknown: 2,
  InvalidArgument: 3,
  DeadlineExceeded: 4,
  NotFound: 5,
  AlreadyExists: 6,
  PermissionDenied: 7,
  ResourceExhausted: 8,
  FailedPrecondition: 9,
  Aborted: 10,
  OutOfRange: 11,
  Unimplemented: 12,
  Internal: 13,
  Unavailable: 14,
  DataLoss: 15,
  Unauthenticated: 16
} as const

/** A call failed. `detail` is the peer's own message where it sent one. */
export class GrpcError extends Schema.TaggedError<GrpcError>()("GrpcError", {
  /** `package.Service/Method`. */
  op: Schema.String,
  /** The address of the peer. */
  target: Schema.String,
  reason: GrpcFailure,
  /** One of `GrpcCode`. */
  code: Schema.Number,
  detail: Schema.String,
  cause: Schema.Defect()
}) {
  override get message(): string {
    return `${this.op} at ${this.target}: ${this.detail}`
  }
}

/** The socket could not be served. */
export class GrpcServeError extends Schema.TaggedError<GrpcServeError>()("GrpcServeError", {
  target: Schema.String,
  cause: Schema.Defect()
}) {
  override get message(): string {
    return `cannot serve gRPC at ${this.target}: ${String(this.cause)}`
  }
}

export interface GrpcCallOptions {
  /** How long to wait for the answer; `Infinity` waits for ever. Absent: what the client sets for this method. */
  readonly timeoutMs?: number
}

interface UnaryMethod {
  readonly methodKind: "unary"
  readonly input: DescMessage
  readonly output: DescMessage
}

interface ServerStreamingMethod {
  readonly methodKind: "server_streaming"
  readonly input: DescMessage
  readonly output: DescMessage
}

type Call<M, E> = M extends UnaryMethod
  ? (request: MessageInitShape<M["input"]>, options?: GrpcCallOptions) => Effect.Effect<MessageShape<M["output"]>, E>
  : M extends ServerStreamingMethod
    ? (request: MessageInitShape<M["input"]>, options?: GrpcCallOptions) => Stream.Stream<MessageShape<M["output"]>, E>
  : never

/** Every method of the service `S`, by its lowerCamel name: an `Effect` for a unary one, a `Stream` for a streaming one. */
export type GrpcMethods<S extends { readonly method: object }, E = GrpcError> = {
  readonly [K in keyof S["method"]]: Call<S["method"][K], E>
}
