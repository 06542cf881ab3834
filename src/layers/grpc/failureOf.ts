/** What a gRPC status means for the caller: may the peer have acted, and is there a point in trying again? */
import { NotFound, Permanent, Retryable, Uncertain } from "../../domain/failure.ts"
import { AlreadyExists, GrpcCode, type GrpcFailure, Unimplemented } from "./Grpc.ts"

/**
 * How far a call got. `unsent`: no connection took it. `sent`: a connection took it and no answer came.
 * `answered`: the status is the peer's own.
 */
export type Reach = "unsent" | "sent" | "answered"

export const failureOf = (code: number, reach: Reach): GrpcFailure => {
  if (reach === "unsent") return new Retryable({})
  if (reach === "sent") return new Uncertain({})
  switch (code) {
    case GrpcCode.NotFound:
      return new NotFound({})
    case GrpcCode.AlreadyExists:
      return new AlreadyExists({})
    case GrpcCode.Unimplemented:
      return new Unimplemented({})
    // The peer gave up half-way, by our deadline or its own.
    case GrpcCode.Canceled:
    case GrpcCode.DeadlineExceeded:
      return new Uncertain({})
    case GrpcCode.InvalidArgument:
    case GrpcCode.OutOfRange:
    case GrpcCode.FailedPrecondition:
    case GrpcCode.PermissionDenied:
    case GrpcCode.Unauthenticated:
    case GrpcCode.DataLoss:
      return new Permanent({})
    // Go services answer `Unknown` to every error that they did not classify, transient ones among them.
    default:
      return new Retryable({})
  }
}
