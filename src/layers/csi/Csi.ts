/**
 * CSI drivers as the node uses them: the Identity and Node services of one driver, reached by its socket. Calls are the
 * driver's own; every failure says whether the driver may still be acting.
 */
import { Context, type Effect, Schema, type Scope } from "effect"
import type { Identity, Node } from "../../gen/csi/csi_pb.ts"
import { GrpcFailure, type GrpcMethods } from "../grpc/Grpc.ts"

/** A driver's call failed. The message is the driver's own where it sent one. */
export class CsiError extends Schema.TaggedError<CsiError>()("CsiError", {
  /** `NodePublishVolume`. */
  op: Schema.String,
  /** The volume where the call is about one, else the driver's socket. */
  target: Schema.String,
  reason: GrpcFailure,
  /** The gRPC status: one of `GrpcCode`. */
  code: Schema.Number,
  detail: Schema.String,
  /** Nothing is under way and nothing was done. Otherwise the call may have happened, or may happen yet (parity J4). */
  final: Schema.Boolean,
  cause: Schema.Defect()
}) {
  override get message(): string {
    return this.detail
  }
}

export type CsiDriver = GrpcMethods<typeof Identity, CsiError> & GrpcMethods<typeof Node, CsiError>

export class Csi extends Context.Service<Csi, {
  /**
   * The driver at a socket, for as long as the scope lives. Connects with the first call and again after the driver came
   * back. Calls about volumes wait two minutes for an answer and are cancelled by interruption.
   */
  readonly open: (endpoint: string) => Effect.Effect<CsiDriver, never, Scope.Scope>
}>()("kubeffect/layers/csi/Csi") {}
