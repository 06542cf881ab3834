import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { TestClock } from "effect/testing"
import * as ManifestUrlSim from "../../../src/layers/manifests/ManifestUrlSim.ts"
import * as SimNode from "../../fixture/node/simNode.ts"

const url = "https://config.example/pods"
const idle = "trap 'exit 0' TERM; while true; do sleep 0.2; done"
const pod = (name: string, script = idle) => ({
  apiVersion: "v1",
  kind: "Pod",
  metadata: { name },
  spec: { containers: [{ name: "c", image: "docker.io/library/busybox:1.29", command: ["sh", "-c", script] }] }
})
const list = (...items: ReadonlyArray<unknown>) => JSON.stringify({ apiVersion: "v1", kind: "PodList", items })

const pass = (seconds: number) =>
  Effect.forEach(Array.from({ length: seconds }), () => TestClock.adjust("1 second"), { discard: true })

type Node = Effect.Success<ReturnType<typeof SimNode.make>>
const annotation = (node: Node, name: string, key: string): unknown =>
  Object.entries(node.pod(name)?.metadata["annotations"] ?? {}).find(([one]) => one === `kubernetes.io/config.${key}`)
    ?.[1]

const make = Effect.gen(function*() {
  const manifests = ManifestUrlSim.makeHandle()
  const node = yield* SimNode.make({
    manifests,
    config: { staticPodURL: url, staticPodURLHeader: { "X-Node": ["n1", "blue"] }, httpCheckFrequency: "5s" }
  })
  return { manifests, node }
})

describe("static pods of a URL", () => {
  it.effect("C4: run, are asked for by the frequency with the headers, and change and end as the server says", () =>
    Effect.gen(function*() {
      const { manifests, node } = yield* make
      manifests.pages.set(url, list(pod("a"), pod("b")))
      yield* node.start
      yield* pass(8)
      assert.strictEqual(node.phase("a-n1"), "Running")
      assert.strictEqual(node.phase("b-n1"), "Running")
      assert.strictEqual(annotation(node, "a-n1", "source"), "http")
      assert.deepStrictEqual(manifests.asked[0], { url, headers: { "X-Node": ["n1", "blue"] } })
      const asked = manifests.asked.length
      yield* pass(10)
      assert.strictEqual(manifests.asked.length, asked + 2)

      // One changes, the other runs on: its UID is made of its own manifest.
      const before = annotation(node, "b-n1", "hash")
      manifests.pages.set(url, list(pod("a", `echo new; ${idle}`), pod("b")))
      const starts = () => node.runtime.calls.filter(({ method }) => method === "StartContainer").length
      const started = starts()
      yield* pass(15)
      assert.strictEqual(starts(), started + 1)
      assert.strictEqual(annotation(node, "b-n1", "hash"), before)

      manifests.pages.set(url, JSON.stringify(pod("b")))
      yield* pass(15)
      assert.isUndefined(node.pod("a-n1"))
    }))

  it.effect("C4: a server that is away, or talks nonsense, ends nothing; an empty answer does", () =>
    Effect.gen(function*() {
      const { manifests, node } = yield* make
      manifests.pages.set(url, JSON.stringify(pod("a")))
      yield* node.start
      yield* pass(8)
      assert.strictEqual(node.phase("a-n1"), "Running")
      for (const nonsense of [undefined, "kind: Nonsense", "{", list(pod("b"), { kind: "Pod" })]) {
        if (nonsense === undefined) manifests.pages.delete(url)
        else manifests.pages.set(url, nonsense)
        yield* pass(10)
        assert.strictEqual(node.phase("a-n1"), "Running")
        assert.isUndefined(node.pod("b-n1"))
      }
      manifests.pages.set(url, "")
      yield* pass(15)
      assert.isUndefined(node.pod("a-n1"))
    }))
})
