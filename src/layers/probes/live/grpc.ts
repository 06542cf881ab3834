/** Asks a server for its health by the gRPC health protocol. */
import { Effect } from "effect"
import { Health, HealthCheckResponse_ServingStatus } from "../../../gen/health/health_pb.ts"
import { openChannel } from "../../grpc/connect.ts"
import { GrpcCode } from "../../grpc/Grpc.ts"
import { type HealthFailure, hostPort, type Wire } from "../wire.ts"

const names = Object.fromEntries(
  Object.entries(HealthCheckResponse_ServingStatus).map(([name, value]) => [value, name])
)

const whyOf = (code: number): HealthFailure["why"] => {
  switch (code) {
    case GrpcCode.Unimplemented:
      return "Unimplemented"
    case GrpcCode.DeadlineExceeded:
      return "TooLate"
    case GrpcCode.Unavailable:
      return "Unreachable"
    default:
      return "Other"
  }
}

export const health: Wire["health"] = (target, timeoutMs) =>
  Effect.gen(function*() {
    const channel = yield* openChannel({ address: hostPort(target), userAgent: "kube-probe/1.36" })
    const client = channel.client(Health, {
      name: "Health",
      timeoutMs: () => timeoutMs,
      mapError: ({ code, detail }): HealthFailure => ({ why: whyOf(code), detail })
    })
    const { status } = yield* client.check({ service: target.service })
    return names[status] ?? String(status)
  }).pipe(Effect.scoped)
