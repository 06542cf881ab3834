/** The trace of a pod's start, on a whole node: one tree that shows where the time went, and that ends. */
import { assert, describe, it } from "@effect/vitest"
import { Effect, Option, Tracer } from "effect"
import { TestClock } from "effect/testing"
import { samplingTracer } from "../../../src/layers/tracing/samplingTracer.ts"
import * as SimNode from "../../fixture/node/simNode.ts"

const idle = "trap 'exit 0' TERM; while true; do sleep 0.2; done"
const image = "registry.test/app:1"

/** Keeps every sampled span of the agent. */
const recording = () => {
  const spans: Array<Tracer.Span> = []
  const tracer = samplingTracer(
    Tracer.make({
      span: (options) => {
        const span = new Tracer.NativeSpan(options)
        if (options.sampled) spans.push(span)
        return span
      }
    }),
    1_000_000
  )
  return { spans, tracer }
}

const nsOf = ({ status }: Tracer.Span): bigint => status._tag === "Ended" ? status.endTime - status.startTime : -1n
const parentOf = (span: Tracer.Span) => Option.getOrUndefined(span.parent)?.spanId

describe("T3 the trace of a pod's start", () => {
  it.effect("T3: shows admission, volumes, sandbox, pull, create, start and status, and then ends", () =>
    Effect.gen(function*() {
      const { spans, tracer } = recording()
      yield* Effect.gen(function*() {
        const node = yield* SimNode.make({
          runtime: { images: [], registry: () => ({ _tag: "Image", sizeBytes: 1000, pullMs: 3000 }) }
        })
        yield* node.start
        yield* node.create("web", {
          volumes: [{ name: "v", emptyDir: {} }],
          containers: [{
            name: "c",
            image,
            command: ["sh", "-c", idle],
            volumeMounts: [{ name: "v", mountPath: "/v" }]
          }]
        })
        for (let second = 0; second < 10; second++) yield* TestClock.adjust("1 second")
        assert.strictEqual(node.phase("web"), "Running")
        yield* node.remove("web", 0)
        for (let second = 0; second < 10; second++) yield* TestClock.adjust("1 second")
      }).pipe(Effect.provideService(Tracer.Tracer, tracer))

      const roots = spans.filter(({ parent }) => Option.isNone(parent))
      assert.deepStrictEqual(roots.map(({ name }) => name), ["syncPod"])
      const [root] = roots
      assert.strictEqual(root?.attributes.get("k8s.pod.name"), "web")
      assert.strictEqual(root?.attributes.get("k8s.pod.phase"), "Running")
      const names = spans.map(({ name }) => name)
      const steps = [
        "Admission.decide",
        "PodVolumes.setUp",
        "PodActions.runSandbox",
        "ImagePuller.pull",
        "PodActions.startContainer",
        "StatusWriter.send"
      ]
      for (const step of steps) assert.include(names, step)
      assert.isTrue(spans.every(({ traceId }) => traceId === root?.traceId), "one trace")
      const known = new Set(spans.map(({ spanId }) => spanId))
      assert.isTrue(spans.every((span) => span === root || known.has(parentOf(span) ?? "")), "a tree")

      const pull = spans.find(({ name }) => name === "ImagePuller.pull")
      assert.isAtLeast(Number(nsOf(pull as Tracer.Span)), 2e9, "the pull is where the time went")
      assert.isAtLeast(Number(nsOf(root as Tracer.Span)), Number(nsOf(pull as Tracer.Span)))
      // Of the deletion, ten seconds later, nothing is told.
      assert.isBelow(Number(nsOf(root as Tracer.Span)), 6e9)
      assert.notInclude(names, "PodActions.stopSandbox")
    }))
})
