import { assert, describe, it } from "@effect/vitest"
import { Effect, Layer, Logger, Ref } from "effect"
import { TestClock } from "effect/testing"
import { NotFound, Permanent, Retryable, Uncertain } from "../../../src/domain/failure.ts"
import type { Pod } from "../../../src/domain/k8s/pod.ts"
import { AlreadyExists, ApiError, type ApiFailure, KubeApi } from "../../../src/layers/api/KubeApi.ts"
import type { AgentSettings } from "../../../src/programs/AgentConfig.ts"
import * as EventRecorder from "../../../src/programs/events/EventRecorder.ts"
import * as PodRegistry from "../../../src/programs/pods/PodRegistry.ts"
import { agentConfig } from "../../fixture/agentSettings.ts"

const failure = (reason: ApiFailure, statusReason = "") =>
  new ApiError({ op: "test", target: "", reason, status: 0, statusReason, detail: reason._tag })

const pod = (name: string, fields: Partial<Pod["metadata"]> = {}): Pod => ({
  metadata: { name, namespace: "shop", uid: `uid-${name}`, ...fields },
  spec: { containers: [{ name: "c" }] }
})

const started = { type: "Normal", reason: "Started", message: "Container started" } as const

/** A server that notes each write as a line, and fails the next ones as told. */
const makeServer = Effect.gen(function*() {
  const log = yield* Ref.make<ReadonlyArray<string>>([])
  const failures = yield* Ref.make<ReadonlyArray<ApiError>>([])
  const answer = (line: string) =>
    Effect.gen(function*() {
      yield* Ref.update(log, (all) => [...all, line])
      const [next, ...rest] = yield* Ref.get(failures)
      yield* Ref.set(failures, rest)
      if (next !== undefined) return yield* next
      return { metadata: {} }
    })
  const api = Layer.mock(KubeApi)({
    create: (resource, object) => {
      const about = object["involvedObject"] as { readonly uid: string; readonly fieldPath?: string }
      return answer(
        `create ${resource.plural} ${object.metadata.namespace} ${about.uid} ${about.fieldPath ?? "-"} ` +
          `${String(object["reason"])} x${String(object["count"])}`
      )
    },
    patch: (resource, { name, namespace }, patch) =>
      answer(
        `patch ${resource.plural} ${namespace} ${name.split(".")[0]} x${
          patch.type === "json" ? "" : String((patch.body as { readonly count: number }).count)
        }`
      )
  })
  return { api, log: Ref.get(log), fail: (next: ReadonlyArray<ApiError>) => Ref.set(failures, next) }
})

const run = <A, E>(
  test: (context: {
    readonly recorder: EventRecorder.EventRecorder["Service"]
    readonly registry: PodRegistry.PodRegistry["Service"]
    readonly server: Effect.Success<typeof makeServer>
  }) => Effect.Effect<A, E>,
  settings: Partial<AgentSettings> = {}
) =>
  Effect.gen(function*() {
    const server = yield* makeServer
    const context = Effect.gen(function*() {
      return {
        recorder: yield* EventRecorder.EventRecorder,
        registry: yield* PodRegistry.PodRegistry,
        server
      }
    })
    return yield* Effect.flatMap(context, test).pipe(
      Effect.provide(
        EventRecorder.layer.pipe(
          Layer.provideMerge(PodRegistry.layer(["api"])),
          Layer.provide(
            Layer.merge(
              server.api,
              agentConfig(settings)
            )
          )
        )
      )
    )
  })

const settle = TestClock.adjust("1 millis")

describe("EventRecorder", () => {
  it.effect("T1: the first is created with its container's path, repeats raise its count", () =>
    run(({ recorder, server }) =>
      Effect.gen(function*() {
        const event = { ...started, container: { name: "c", kind: "regular" } } as const
        yield* recorder.recordPod(pod("web"), event)
        yield* recorder.recordPod(pod("web"), event)
        yield* recorder.recordPod(pod("web"), event)
        yield* settle
        assert.deepStrictEqual(yield* server.log, [
          "create events shop uid-web spec.containers{c} Started x1",
          "patch events shop web x2",
          "patch events shop web x3"
        ])
      })
    ))

  it.effect("T1: an event on the node lies in default and has the node's name as UID", () =>
    run(({ recorder, server }) =>
      Effect.gen(function*() {
        yield* recorder.recordNode({ type: "Normal", reason: "Starting", message: "Starting kubelet." })
        yield* settle
        assert.deepStrictEqual(yield* server.log, ["create events default n1 - Starting x1"])
      })
    ))

  it.effect("T1: an event of a static pod points at its mirror", () =>
    run(({ recorder, registry, server }) =>
      Effect.gen(function*() {
        const mirror = pod("web", { uid: "mirror", annotations: { "kubernetes.io/config.mirror": "hash" } })
        yield* registry.upsert("api", mirror)
        yield* recorder.recordPod(pod("web", { uid: "static" }), started)
        yield* settle
        assert.deepStrictEqual(yield* server.log, ["create events shop mirror - Started x1"])
      })
    ))

  it.effect("T1: an Event that has expired at the server is made again with its count", () =>
    run(({ recorder, server }) =>
      Effect.gen(function*() {
        yield* recorder.recordPod(pod("web"), started)
        yield* settle
        yield* server.fail([failure(new NotFound())])
        yield* recorder.recordPod(pod("web"), started)
        yield* settle
        assert.deepStrictEqual((yield* server.log).slice(1), [
          "patch events shop web x2",
          "create events shop uid-web - Started x2"
        ])
      })
    ))

  it.effect("T1: an answer that was lost is asked for again, and finding the Event there is success", () =>
    run(({ recorder, server }) =>
      Effect.gen(function*() {
        yield* server.fail([failure(new Uncertain()), failure(new AlreadyExists())])
        yield* recorder.recordPod(pod("web"), started)
        yield* TestClock.adjust("1 second")
        yield* recorder.recordPod(pod("web"), started)
        yield* settle
        assert.deepStrictEqual(yield* server.log, [
          "create events shop uid-web - Started x1",
          "create events shop uid-web - Started x1",
          "patch events shop web x2"
        ])
      })
    ))

  it.effect.each([
    { reason: new Permanent(), statusReason: "Forbidden", why: "the namespace ends" },
    { reason: new NotFound(), statusReason: "NotFound", why: "the namespace is gone" },
    { reason: new Permanent(), statusReason: "Invalid", why: "the server does not like it" }
  ])(
    "T1: what is refused because $why is dropped at once, and the next is told",
    ({ reason, statusReason }) =>
      run(({ recorder, server }) =>
        Effect.gen(function*() {
          yield* server.fail([failure(reason, statusReason)])
          yield* recorder.recordPod(pod("web"), started)
          yield* recorder.recordPod(pod("db"), started)
          yield* settle
          assert.deepStrictEqual(yield* server.log, [
            "create events shop uid-web - Started x1",
            "create events shop uid-db - Started x1"
          ])
        })
      )
  )

  it.effect("T1: a server that is away is tried 13 times; then the event is given up and the next has its turn", () =>
    run(({ recorder, server }) =>
      Effect.gen(function*() {
        yield* server.fail(Array.from({ length: 13 }, () => failure(new Retryable({}))))
        yield* recorder.recordPod(pod("web"), started)
        yield* recorder.recordPod(pod("db"), started)
        yield* TestClock.adjust("3 minutes")
        const log = yield* server.log
        assert.strictEqual(log.filter((line) => line.includes("uid-web")).length, 13)
        assert.strictEqual(log.at(-1), "create events shop uid-db - Started x1")
      })
    ))

  it.effect("T1: a thousand wait for a server that hangs; of more the oldest are lost", () =>
    Effect.gen(function*() {
      const created = yield* Ref.make<ReadonlyArray<string>>([])
      const gate = yield* Ref.make(true)
      const api = Layer.mock(KubeApi)({
        create: (_, object) =>
          Effect.gen(function*() {
            if (yield* Ref.getAndSet(gate, false)) yield* Effect.sleep("1 minute")
            yield* Ref.update(created, (all) => [...all, object.metadata.name?.split(".")[0] ?? ""])
            return { metadata: {} }
          })
      })
      const config = agentConfig({ eventQps: 0, eventBurst: 0 })
      yield* Effect.gen(function*() {
        const recorder = yield* EventRecorder.EventRecorder
        yield* recorder.recordPod(pod("held"), started)
        yield* settle
        for (let n = 0; n < 1010; n++) yield* recorder.recordPod(pod(`p${n}`), started)
        yield* TestClock.adjust("2 minutes")
      }).pipe(
        Effect.provide(
          EventRecorder.layer.pipe(Layer.provide([api, config, PodRegistry.layer([])]))
        )
      )
      const names = yield* Ref.get(created)
      assert.deepStrictEqual([names.length, names[0], names[1], names.at(-1)], [1001, "held", "p10", "p1009"])
    }))

  it.effect("T1: eventRecordQPS and eventBurst pace the writes, not the caller", () =>
    run(
      ({ recorder, server }) =>
        Effect.gen(function*() {
          for (let n = 0; n < 5; n++) yield* recorder.recordPod(pod(`p${n}`), started)
          yield* settle
          assert.strictEqual((yield* server.log).length, 2)
          yield* TestClock.adjust("1 second")
          assert.strictEqual((yield* server.log).length, 3)
          yield* TestClock.adjust("2 seconds")
          assert.strictEqual((yield* server.log).length, 5)
        }),
      { eventQps: 1, eventBurst: 2 }
    ))

  it.effect("A10: without an API server an event is a line of the log", () =>
    Effect.gen(function*() {
      const lines = yield* Ref.make<ReadonlyArray<string>>([])
      const logger = Logger.make(({ message }) => Effect.runSync(Ref.update(lines, (all) => [...all, String(message)])))
      yield* Effect.flatMap(EventRecorder.EventRecorder, (recorder) => recorder.recordPod(pod("web"), started)).pipe(
        Effect.provide(
          EventRecorder.layerLog.pipe(
            Layer.provide([agentConfig(), PodRegistry.layer([])])
          )
        ),
        Effect.provide(Logger.layer([logger]))
      )
      assert.deepStrictEqual(yield* Ref.get(lines), ["Container started"])
    }))
})
