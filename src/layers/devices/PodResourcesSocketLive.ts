/** `podresources/v1` over gRPC, at the kubelet's pace, and counted as by the kubelet. */
import { Clock, Effect, Layer, Metric, Ref } from "effect"
import { fullBucket, tryTake } from "../../domain/events/tokenBucket.ts"
import { PodResourcesLister } from "../../gen/podresources/podresources_pb.ts"
import { GrpcCode } from "../grpc/Grpc.ts"
import { GrpcStatus, implement, serveGrpc } from "../grpc/serve.ts"
import { type PodResourcesAnswers, PodResourcesSocket } from "./PodResourcesSocket.ts"

/** A hundred a second, ten at once. */
const rate = { everyMs: 10, burst: 10 }

const counter = (name: string, what: string) =>
  Metric.withAttributes(
    Metric.counter(`kubelet_pod_resources_endpoint_${name}`, {
      description: `Number of ${what} to the PodResource endpoint.`,
      incremental: true
    }),
    { server_api_version: "v1" }
  )
const all = counter("requests_total", "requests")

const makeLimit = Effect.gen(function*() {
  const bucket = yield* Ref.make(fullBucket(rate, yield* Clock.currentTimeMillis))
  return Effect.gen(function*() {
    const now = yield* Clock.currentTimeMillis
    const left = tryTake(yield* Ref.get(bucket), rate, now)
    if (left === undefined) {
      return yield* new GrpcStatus({ code: GrpcCode.ResourceExhausted, detail: "rejected by rate limit" })
    }
    yield* Ref.set(bucket, left)
  })
})

const handlers = Effect.fnUntraced(function*({ allocatable, get, list }: PodResourcesAnswers) {
  const limit = yield* makeLimit
  const asked = <A>(name: string, answer: Effect.Effect<A, GrpcStatus>) =>
    limit.pipe(
      Effect.andThen(Metric.update(all, 1)),
      Effect.andThen(Metric.update(counter(`requests_${name}`, `${name} requests`), 1)),
      Effect.andThen(
        Effect.tapError(answer, () => Metric.update(counter(`errors_${name}`, `${name} requests that failed`), 1))
      )
    )
  return implement(PodResourcesLister, {
    list: () => asked("list", Effect.map(list, (podResources) => ({ podResources: [...podResources] }))),
    getAllocatableResources: () => asked("get_allocatable", Effect.map(allocatable, (devices) => ({ devices }))),
    get: ({ podName: name, podNamespace: namespace }) =>
      asked(
        "get",
        Effect.flatMap(get({ name, namespace }), (found) =>
          found === undefined
            ? Effect.fail(
              new GrpcStatus({ code: GrpcCode.NotFound, detail: `pod ${name} in namespace ${namespace} not found` })
            )
            : Effect.succeed({ podResources: found }))
      )
  })
})

export const layer: Layer.Layer<PodResourcesSocket> = Layer.succeed(
  PodResourcesSocket,
  PodResourcesSocket.of({
    serve: Effect.fn("PodResourcesSocket.serve")(function*(socketPath: string, answers: PodResourcesAnswers) {
      yield* serveGrpc({ socketPath, services: [yield* handlers(answers)] })
    })
  })
)
