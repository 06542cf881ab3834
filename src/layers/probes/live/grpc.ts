/** Asks a server for its health by the gRPC health protocol. */
import { Effect } from "effect"
import { Health, HealthCheckResponse_ServingStatus } from "../../../gen/health/health_pb.ts"
import { openChannel } from "../../grpc/connect.ts"
import { GrpcCode } from "../../grpc/Grpc.ts"
import type { ProbeReply, SocketTarget } from "../Prober.ts"
import { hostPort } from "./dialError.ts"

const failure = (output: string): ProbeReply => ({ result: "failure", output })

const names = Object.fromEntries(
  Object.entries(HealthCheckResponse_ServingStatus).map(([name, value]) => [value, name])
)

export const checkHealth = (
  target: SocketTarget & { readonly service: string },
  timeoutMs: number
): Effect.Effect<ProbeReply> => {
  const address = hostPort(target.host, target.port)
  const check = Effect.gen(function*() {
    const channel = yield* openChannel({ address })
    const health = channel.client(Health, {
      name: "Health",
      timeoutMs: () => timeoutMs,
      mapError: (error) => error,
      metadata: { "user-agent": "kube-probe/1.36" }
    })
    const answer = yield* health.check({ service: target.service })
    return answer.status === HealthCheckResponse_ServingStatus.SERVING
      ? { result: "success" as const, output: "service healthy" }
      : failure(`service unhealthy (responded with "${names[answer.status] ?? answer.status}")`)
  })
  return Effect.scoped(check).pipe(
    Effect.catch((error) => {
      switch (error.code) {
        case GrpcCode.Unimplemented:
          return Effect.succeed(
            failure("this server does not implement the grpc health protocol (grpc.health.v1.Health): " + error.detail)
          )
        case GrpcCode.DeadlineExceeded:
          return Effect.succeed(failure(`timeout: health rpc did not complete within ${timeoutMs / 1000}s`))
        case GrpcCode.Unavailable:
          return Effect.succeed(
            failure(`timeout: failed to connect service "${address}" within ${timeoutMs / 1000}s: ${error.detail}`)
          )
        default:
          return Effect.succeed(failure(`error: health rpc probe failed: ${error.detail}`))
      }
    })
  )
}
