/** Traces on their way to a collector: what goes, what stays, and what a collector that is away costs. */
import { assert, describe, it } from "@effect/vitest"
import { Effect, Exit, Layer, References, Tracer } from "effect"
import { mkdtemp, rm } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { Span_SpanKind, Status_StatusCode } from "../../../src/gen/otlp/trace_pb.ts"
import * as OtlpTracing from "../../../src/layers/tracing/OtlpTracing.ts"
import { receiveTraces } from "../../fixture/TraceReceiver.ts"

const folder = Effect.acquireRelease(
  Effect.promise(() => mkdtemp(join(tmpdir(), "kubeffect-traces-"))),
  (path) => Effect.promise(() => rm(path, { recursive: true }))
)

const layerTo = (socketPath: string, samplingRatePerMillion: number) =>
  OtlpTracing.layer({ endpoint: `unix://${socketPath}`, samplingRatePerMillion, nodeName: "n1", version: "v1" })

/** What the collector has once the agent has ended, which sends the last batch. */
const traced = Effect.fnUntraced(function*(rate: number, program: Effect.Effect<unknown, unknown>) {
  const socketPath = join(yield* folder, "otlp.sock")
  const receiver = yield* receiveTraces(socketPath)
  yield* Effect.exit(Effect.provide(program, layerTo(socketPath, rate)))
  return receiver
})

const work = Effect.void.pipe(Effect.withSpan("inner"), Effect.withSpan("outer", { root: true }))

describe("T3 traces", () => {
  it.live("T3: spans go to the collector over gRPC, under the kubelet's names, with their parents", () =>
    Effect.gen(function*() {
      const { requests, spans } = yield* traced(1_000_000, work)
      const resource = requests[0]?.resourceSpans[0]
      const attributes = resource?.resource?.attributes.map(({ key, value }) => `${key}=${value?.value.value}`)
      assert.includeMembers(attributes ?? [], ["service.name=kubelet", "host.name=n1"])
      assert.strictEqual(resource?.scopeSpans[0]?.scope?.name, "k8s.io/kubernetes/pkg/kubelet")
      const [inner, outer] = spans()
      assert.deepStrictEqual([inner?.name, outer?.name], ["inner", "outer"])
      assert.strictEqual(inner?.parentSpanId, outer?.spanId)
      assert.strictEqual(inner?.traceId, outer?.traceId)
      assert.match(outer?.traceId ?? "", /^[0-9a-f]{32}$/)
      assert.strictEqual(outer?.kind, Span_SpanKind.INTERNAL)
    }))

  it.live("T3: a failure is told with its message", () =>
    Effect.gen(function*() {
      const { requests } = yield* traced(
        1_000_000,
        Effect.fail(new Error("no such image")).pipe(Effect.withSpan("pull", { root: true }))
      )
      const status = requests[0]?.resourceSpans[0]?.scopeSpans[0]?.spans[0]?.status
      assert.strictEqual(status?.code, Status_StatusCode.ERROR)
      assert.strictEqual(status?.message, "no such image")
    }))

  it.live("T3: what no trace asks for, what is sampled out, and what follows the end of a trace, is not sent", () =>
    Effect.gen(function*() {
      const loop = Effect.void.pipe(Effect.withSpan("a loop's call"))
      assert.deepStrictEqual((yield* traced(1_000_000, loop)).spans(), [])
      assert.deepStrictEqual((yield* traced(0, work)).spans(), [])
      const late = Effect.gen(function*() {
        const span = yield* Effect.makeSpan("start", { root: true })
        span.end(0n, Exit.void)
        yield* Effect.void.pipe(Effect.withSpan("late"), Effect.withParentSpan(span))
      })
      assert.deepStrictEqual((yield* traced(1_000_000, late)).spans().map(({ name }) => name), ["start"])
    }))

  it.live("T3: at rate 0 a caller that keeps its trace still gets the node's part of it", () =>
    Effect.gen(function*() {
      const parent = Tracer.externalSpan({ spanId: "00f067aa0ba902b7", traceId: "4bf92f3577b34da6a3ce929d0e0e4736" })
      const { spans } = yield* traced(0, Effect.void.pipe(Effect.withSpan("answer", { parent, kind: "server" })))
      assert.strictEqual(spans()[0]?.traceId, parent.traceId)
      assert.strictEqual(spans()[0]?.parentSpanId, parent.spanId)
    }))

  it.live("T3: a request begins a trace, whatever the server was opened in", () =>
    Effect.gen(function*() {
      const request = Effect.void.pipe(Effect.withSpan("request", { kind: "server" }), Effect.withSpan("open the port"))
      const { spans } = yield* traced(1_000_000, request)
      assert.deepStrictEqual(spans().map(({ name, parentSpanId }) => [name, parentSpanId]), [["request", ""]])
    }))

  it.live("T3: commands and headers of requests do not leave the node", () =>
    Effect.gen(function*() {
      const attributes = { "url.path": "/exec/a/b/c", "url.query": "command=secret", "url.full": "https://n/?secret" }
      const headers = { "http.request.header.authorization": ["Bearer secret"] }
      const { spans } = yield* traced(
        1_000_000,
        Effect.void.pipe(Effect.withSpan("request", { kind: "server", attributes: { ...attributes, ...headers } }))
      )
      assert.deepStrictEqual(spans()[0]?.attributes, { "url.path": "/exec/a/b/c" })
    }))

  it.live("T3: a collector that is away holds nobody up", () =>
    Effect.gen(function*() {
      const nowhere = layerTo(join(yield* folder, "nobody.sock"), 1_000_000)
      assert.strictEqual(yield* Effect.provide(Effect.as(work, "done"), nowhere), "done")
    }))

  it.effect("T3: switched off, spans are not even made", () =>
    Effect.gen(function*() {
      let made = 0
      const counting = Tracer.make({
        span: (options) => {
          made++
          return Tracer.nativeTracer.span(options)
        }
      })
      const off = Layer.merge(OtlpTracing.layerOff, Layer.succeed(Tracer.Tracer, counting))
      yield* Effect.provide(work, off)
      assert.strictEqual(made, 0)
      yield* Effect.provide(work, Layer.merge(off, Layer.succeed(References.TracerEnabled, true)))
      assert.strictEqual(made, 2)
    }))
})
