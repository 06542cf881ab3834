/**
 * The container runtime of the node: every call of the CRI v1 RuntimeService and ImageService, named and typed as the
 * wire format has them. Requests are partial: what is left out is the zero value.
 */
import { Context, Schema } from "effect"
import type { ImageService, RuntimeService } from "../../gen/cri/api_pb.ts"
import { GrpcFailure, type GrpcMethods } from "../grpc/Grpc.ts"

export {
  CgroupDriver,
  ContainerEventType,
  ContainerState,
  MountPropagation,
  PodSandboxState
} from "../../gen/cri/api_pb.ts"
export { GrpcCode } from "../grpc/Grpc.ts"

/** What a caller may do about a failed call: the shared reasons, and `Unimplemented` and `AlreadyExists`. */
export const CriFailure = GrpcFailure
export type CriFailure = typeof CriFailure.Type

/** A call of the runtime failed. */
export class CriError extends Schema.TaggedError<CriError>()("CriError", {
  /** The RPC: `RunPodSandbox`. */
  op: Schema.String,
  /** The sandbox, container or image of the call; empty where it has none. */
  target: Schema.String,
  reason: CriFailure,
  /** The gRPC status code, one of `GrpcCode`. */
  code: Schema.Number,
  /** The runtime's message, verbatim: what users see in events and container statuses. */
  detail: Schema.String,
  cause: Schema.Defect()
}) {
  override get message(): string {
    return this.target === "" ? `${this.op}: ${this.detail}` : `${this.op} ${this.target}: ${this.detail}`
  }
}

type RuntimeCalls = GrpcMethods<typeof RuntimeService, CriError>
type ImageCalls = GrpcMethods<typeof ImageService, CriError>

/**
 * What callers may rely on, beyond the types:
 * - Stopping or removing what is gone or already stopped succeeds, so every teardown can be repeated.
 * - Reading or starting what is gone fails with `NotFound`; only `imageStatus` answers an absent image with no `image`.
 * - Creating is *not* idempotent: a repeated `runPodSandbox` or `createContainer` fails while the first one's
 *   name, uid and attempt are taken. After `Uncertain`, list before trying again.
 * - `getContainerEvents` gives hints: events may be lost, repeated or late. It never ends by itself.
 * - Interrupting a call cancels it at the runtime, which may or may not have done it.
 * - Every call has a deadline of its own (`CriLive`); `timeoutMs` overrides it.
 */
export interface CriCalls extends RuntimeCalls, ImageCalls {}

export class Cri extends Context.Service<Cri, CriCalls>()("kubeffect/layers/cri/Cri") {}
