/** What wakes a pod's worker, and what it then does not do. */
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { TestClock } from "effect/testing"
import * as resources from "../../../src/domain/k8s/resources.ts"
import { containerdLatencies } from "../../../src/layers/cri/CriSim.ts"
import * as SimNode from "../../fixture/node/simNode.ts"

type Node = Effect.Success<ReturnType<typeof SimNode.make>>

const container = (script: string, image = "docker.io/library/busybox:1.29") => ({
  name: "c",
  image,
  command: ["sh", "-c", script]
})
const idle = "trap 'exit 0' TERM; while true; do sleep 0.2; done"

/** Lets virtual time pass in small steps, as fibers of many periods want it. */
const pass = (seconds: number) =>
  Effect.forEach(Array.from({ length: seconds }), () => TestClock.adjust("1 second"), { discard: true })

const reads = /^(List|Status|Version|ContainerStatus|PodSandboxStatus|Image|RuntimeConfig|.*Stats)/

const changes = (node: Node) => node.runtime.calls.filter(({ method }) => !reads.test(method)).length

const target = { namespace: "default", name: "web" }

describe("a wake-up carries no truth", () => {
  it.effect("C2: a change of labels, or of the status by someone else, starts nothing; what is ours is said again", () =>
    Effect.gen(function*() {
      const node = yield* SimNode.make()
      yield* node.start
      yield* node.create("web", { containers: [container(idle)] })
      yield* pass(3)
      const before = changes(node)
      yield* node.client.patch(resources.pods, target, { type: "merge", body: { metadata: { labels: { a: "b" } } } })
      yield* node.client.patch(resources.pods, target, { type: "merge", body: { status: { phase: "Pending" } } }, {
        subresource: "status"
      })
      assert.strictEqual(node.phase("web"), "Pending")
      yield* pass(15)
      assert.strictEqual(node.phase("web"), "Running")
      assert.strictEqual(changes(node), before)
    }))

  it.effect("G1: nobody acts on a look that is older than his own last action", () =>
    Effect.gen(function*() {
      // Looks take longer than what they look at takes to change.
      const latencies = { ...containerdLatencies, read: [150, 400], runPodSandbox: [80, 80] } as const
      const node = yield* SimNode.make({ runtime: { latencies } })
      yield* node.start
      yield* node.create("web", { containers: [container(idle), { ...container(idle), name: "d" }] })
      for (let tenth = 0; tenth < 80; tenth++) {
        // Each change asks for another look.
        const labels = { tenth: `${tenth}` }
        yield* node.client.patch(resources.pods, target, { type: "merge", body: { metadata: { labels } } })
        yield* TestClock.adjust("100 millis")
      }
      const count = (method: string) => node.runtime.calls.filter((call) => call.method === method).length
      assert.deepStrictEqual(
        ["RunPodSandbox", "CreateContainer", "StartContainer", "StopContainer"].map(count),
        [1, 2, 2, 0]
      )
      assert.strictEqual(node.phase("web"), "Running")
    }))

  it.effect("G1: an end that no event tells of is found by the next listing", () =>
    Effect.gen(function*() {
      const node = yield* SimNode.make()
      yield* node.start
      yield* node.create("web", { restartPolicy: "Never", containers: [container("sleep 5; exit 3")] })
      yield* pass(3)
      assert.strictEqual(node.phase("web"), "Running")
      node.runtime.listeners.clear()
      yield* pass(75)
      assert.strictEqual(node.phase("web"), "Failed")
    }))
})

describe("pulls", () => {
  // The simulated runtime varies times by a fifth: which wave a pull belongs to is certain.
  const pullMs = 8000
  const wavesOfPulls = (config: Readonly<Record<string, unknown>>) =>
    Effect.gen(function*() {
      const node = yield* SimNode.make({
        config,
        runtime: { images: [], registry: () => ({ _tag: "Image", sizeBytes: 1000, pullMs }) }
      })
      yield* node.start
      for (const name of ["a", "b", "c"]) {
        yield* node.create(name, { containers: [container(idle, `registry.test/${name}:1`)] })
      }
      yield* pass(40)
      for (const name of ["a", "b", "c"]) assert.strictEqual(node.phase(name), "Running")
      const times = node.runtime.calls.filter(({ method }) => method === "PullImage").map(({ atMs }) => atMs)
      return times.map((atMs) => Math.round((atMs - (times[0] ?? 0)) / pullMs))
    })

  it.effect.each([
    { config: {}, want: [0, 1, 2], why: "one at a time is the default" },
    { config: { serializeImagePulls: false }, want: [0, 0, 0], why: "all at once when not serial" },
    { config: { maxParallelImagePulls: 2 }, want: [0, 0, 1], why: "as many as are allowed" }
  ])("N5: $why", ({ config, want }) =>
    Effect.gen(function*() {
      assert.deepStrictEqual(yield* wavesOfPulls(config), want)
    }))
})
