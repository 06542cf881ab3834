/** How many calls of the runtime and requests of the API one pod costs, so that none creeps in unseen. */
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { TestClock } from "effect/testing"
import type { RuntimeEvent } from "../../../src/layers/cri/RuntimeEvents.ts"
import * as SimNode from "../../fixture/node/simNode.ts"

/** Times without chance. */
const latencies = {
  runPodSandbox: [100, 100],
  stopPodSandbox: [80, 80],
  removePodSandbox: [20, 20],
  createContainer: [15, 15],
  startContainer: [60, 60],
  stopContainer: [30, 30],
  removeContainer: [10, 10],
  execSync: [30, 30],
  read: [1, 1]
} as const

const image = "docker.io/library/busybox:1.29"
const container = { name: "c", image, command: ["sh", "-c", "trap 'exit 0' TERM; while true; do sleep 0.2; done"] }

/** containerd's own events tell of an id, and nothing else. */
const unnamed = ({ containerId, kind }: RuntimeEvent): RuntimeEvent => ({ containerId, kind })

const counted = (calls: ReadonlyArray<{ readonly method: string }>) => {
  const counts: Record<string, number> = {}
  for (const { method } of calls) counts[method] = (counts[method] ?? 0) + 1
  return counts
}

/** What the start and the end of a pod cost, apart from what the node asks for without it. */
const costs = Effect.fnUntraced(function*(eventOf: (event: RuntimeEvent) => RuntimeEvent) {
  const node = yield* SimNode.make({ eventOf, runtime: { latencies, images: [image] } })
  const versions = new Set<string>()
  const pass = (ms: number) =>
    Effect.forEach(Array.from({ length: ms / 10 }), () =>
      Effect.map(TestClock.adjust("10 millis"), () => {
        const version = node.pod("web")?.metadata.resourceVersion
        if (version !== undefined) versions.add(version)
      }), { discard: true })
  yield* node.start
  yield* pass(1000)
  const { calls } = node.runtime
  const ofPod = (from: number) =>
    counted(calls.slice(from).filter(({ method }) => !/^(Status|Version|List.*)$/.test(method)))
  const before = calls.length
  yield* node.create("web", { dnsPolicy: "Default", containers: [container] })
  yield* pass(2000)
  // Whatever is put off has been done by then, and everything been listed.
  yield* Effect.forEach(Array.from({ length: 70 }), () => TestClock.adjust("1 second"), { discard: true })
  assert.strictEqual(node.phase("web"), "Running")
  // The pod as it was made is seen by nobody: it is told to be in the making in the same moment.
  const start = { calls: ofPod(before), patches: versions.size }
  const running = calls.length
  yield* node.remove("web")
  yield* pass(10_000)
  assert.isUndefined(node.pod("web"))
  const events = node.events("web").map((text) => text.slice(0, text.indexOf(":"))).sort()
  return { start, end: ofPod(running), events }
})

describe("the calls that one pod of one container costs", () => {
  it.effect.each([
    { eventOf: (event: RuntimeEvent) => event, why: "events of the CRI" },
    { eventOf: unnamed, why: "events of containerd" }
  ])("G1: with $why", ({ eventOf }) =>
    Effect.gen(function*() {
      const { end, events, start } = yield* costs(eventOf)
      assert.deepStrictEqual(start, {
        calls: {
          RunPodSandbox: 1,
          PodSandboxStatus: 1,
          ImageStatus: 1,
          CreateContainer: 1,
          StartContainer: 1,
          ContainerStatus: 1
        },
        patches: 3
      })
      assert.deepStrictEqual(end, {
        // Before the stop, and after it.
        PodSandboxStatus: 2,
        ContainerStatus: 2,
        StopContainer: 1,
        StopPodSandbox: 1,
        RemoveContainer: 1,
        RemovePodSandbox: 1
      })
      assert.deepStrictEqual(events, ["Created", "Killing", "Pulled", "Started"])
    }))
})
