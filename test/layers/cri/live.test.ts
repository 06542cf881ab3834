/** The live runtime layers against runtimes that answer as the test wants. */
import { create } from "@bufbuild/protobuf"
import { anyPack } from "@bufbuild/protobuf/wkt"
import { assert, it } from "@effect/vitest"
import { Effect, Exit, Layer, Metric, Option, Queue, Scope, Stream } from "effect"
import { mkdtemp, rm } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { describe } from "vitest"
import { TaskExitSchema } from "../../../src/gen/containerd/events_pb.ts"
import { Events } from "../../../src/gen/containerd/service_pb.ts"
import { ImageService, RuntimeService } from "../../../src/gen/cri/api_pb.ts"
import { ContainerEventType, Cri } from "../../../src/layers/cri/Cri.ts"
import * as CriLive from "../../../src/layers/cri/CriLive.ts"
import { type RuntimeEvent, RuntimeEvents } from "../../../src/layers/cri/RuntimeEvents.ts"
import * as RuntimeEventsLive from "../../../src/layers/cri/RuntimeEventsLive.ts"
import { GrpcCode } from "../../../src/layers/grpc/Grpc.ts"
import { type GrpcHandlers, GrpcStatus, implement, serveGrpc } from "../../../src/layers/grpc/serve.ts"

interface Runtime {
  readonly runtime?: GrpcHandlers<typeof RuntimeService>
  readonly image?: GrpcHandlers<typeof ImageService>
  readonly events?: GrpcHandlers<typeof Events>
}

const socketPath = Effect.map(
  Effect.acquireRelease(
    Effect.promise(() => mkdtemp(join(tmpdir(), "kubeffect-cri-"))),
    (folder) => Effect.promise(() => rm(folder, { recursive: true }))
  ),
  (folder) => join(folder, "s.sock")
)

const serve = (path: string, { events = {}, image = {}, runtime = {} }: Runtime) =>
  serveGrpc({
    socketPath: path,
    services: [
      implement(RuntimeService, { version: () => Effect.succeed({ runtimeApiVersion: "v1" }), ...runtime }),
      implement(ImageService, image),
      implement(Events, events)
    ]
  })

const liveOn = (endpoint: string) =>
  Layer.build(RuntimeEventsLive.layer({ endpoint }).pipe(Layer.provideMerge(CriLive.layer({ endpoint }))))

const live = Effect.fnUntraced(function*(runtime: Runtime) {
  const path = yield* socketPath
  yield* serve(path, runtime)
  return yield* liveOn(path)
})

const collecting = Effect.gen(function*() {
  const { events } = yield* RuntimeEvents
  const seen = yield* Queue.unbounded<RuntimeEvent>()
  yield* Effect.forkScoped(Stream.runForEach(events, (event) => Queue.offer(seen, event)))
  return seen
})

const gone = Effect.fail(new GrpcStatus({ code: GrpcCode.NotFound, detail: "no such thing" }))

describe("CriLive", () => {
  it.live("stopping and removing what is gone succeeds, on runtimes that say NotFound too", () =>
    Effect.gen(function*() {
      const cri = yield* Cri
      yield* cri.stopContainer({ containerId: "c" })
      yield* cri.removeContainer({ containerId: "c" })
      yield* cri.stopPodSandbox({ podSandboxId: "s" })
      yield* cri.removePodSandbox({ podSandboxId: "s" })
      yield* cri.removeImage({ image: { image: "i" } })
      assert.strictEqual((yield* Effect.flip(cri.containerStatus({ containerId: "c" }))).reason._tag, "NotFound")
    }).pipe(Effect.provide(Layer.effectContext(live({
      runtime: {
        stopContainer: () => gone,
        removeContainer: () => gone,
        stopPodSandbox: () => gone,
        removePodSandbox: () => gone,
        containerStatus: () => gone
      },
      image: { removeImage: () => gone }
    })))))

  it.live("D22: counts calls, failures and time by kubelet's operation types", () =>
    Effect.gen(function*() {
      const cri = yield* Cri
      yield* cri.listPodSandbox({})
      yield* Effect.flip(cri.containerStatus({ containerId: "c" }))
      const counted = (yield* Metric.snapshot).flatMap((metric) =>
        metric.type === "Counter" ? [[metric.id, metric.attributes?.["operation_type"], metric.state.count]] : []
      )
      assert.deepInclude(counted, ["kubelet_runtime_operations_total", "list_podsandbox", 1])
      assert.deepInclude(counted, ["kubelet_runtime_operations_total", "container_status", 1])
      assert.deepInclude(counted, ["kubelet_runtime_operations_errors_total", "container_status", 1])
      assert.notDeepInclude(counted, ["kubelet_runtime_operations_errors_total", "list_podsandbox", 1])
      const timed = (yield* Metric.snapshot).filter((metric) => metric.type === "Histogram").map(({ id }) => id)
      assert.include(timed, "kubelet_runtime_operations_duration_seconds")
    }).pipe(
      Effect.provide(Layer.effectContext(live({
        runtime: { listPodSandbox: () => Effect.succeed({}), containerStatus: () => gone }
      }))),
      Effect.provideService(Metric.MetricRegistry, new Map())
    ))
})

describe("RuntimeEventsLive", () => {
  it.live("takes CRI's events where there are any", () =>
    Effect.gen(function*() {
      const seen = yield* collecting
      const kinds = [(yield* Queue.take(seen)).kind, (yield* Queue.take(seen)).kind]
      assert.sameMembers(kinds, ["Started", "Unknown"])
      assert.strictEqual(yield* (yield* RuntimeEvents).source, "cri")
    }).pipe(Effect.provide(Layer.effectContext(live({
      runtime: {
        getContainerEvents: () =>
          Stream.concat(
            Stream.make({ containerId: "c", containerEventType: ContainerEventType.CONTAINER_STARTED_EVENT }),
            Stream.never
          )
      }
    })))))

  it.live("takes containerd's where CRI has none", () =>
    Effect.gen(function*() {
      const seen = yield* collecting
      const stopped = yield* Effect.repeat(Queue.take(seen), { until: ({ kind }) => kind === "Stopped" })
      assert.deepEqual(stopped, { containerId: "c", kind: "Stopped", exitCode: 3 })
      yield* Effect.repeat((yield* RuntimeEvents).source, { until: (source) => source === "containerd" })
    }).pipe(Effect.provide(Layer.effectContext(live({
      events: {
        subscribe: () =>
          Stream.concat(
            Stream.make({
              topic: "/tasks/exit",
              event: anyPack(TaskExitSchema, create(TaskExitSchema, { containerId: "c", id: "c", exitStatus: 3 }))
            }),
            Stream.never
          )
      }
    })))))

  it.live("subscribes again after the runtime was gone, and says so with Unknown", () =>
    Effect.gen(function*() {
      const path = yield* socketPath
      const events: Runtime = { runtime: { getContainerEvents: () => Stream.never } }
      const first = yield* Scope.make()
      yield* Scope.provide(serve(path, events), first)
      yield* Effect.gen(function*() {
        const { source } = yield* RuntimeEvents
        const seen = yield* collecting
        assert.strictEqual((yield* Queue.take(seen)).kind, "Unknown")
        assert.strictEqual(yield* source, "cri")
        yield* Scope.close(first, Exit.void)
        yield* Effect.repeat(source, { until: (current) => current === "none" })
        yield* serve(path, events)
        assert.strictEqual((yield* Queue.take(seen)).kind, "Unknown")
        assert.strictEqual(yield* source, "cri")
      }).pipe(Effect.provide(Layer.effectContext(liveOn(path))))
    }))

  it.live("without any source stays silent", () =>
    Effect.gen(function*() {
      const seen = yield* collecting
      assert.isTrue(Option.isNone(yield* Effect.timeoutOption(Queue.take(seen), "300 millis")))
      assert.strictEqual(yield* (yield* RuntimeEvents).source, "none")
    }).pipe(Effect.provide(Layer.effectContext(live({})))))
})
