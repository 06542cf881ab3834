/** Pods that are resized while they run, by `kubectl` on a real runtime; what they have is read inside them. */
import { NodeServices } from "@effect/platform-node"
import { assert, layer } from "@effect/vitest"
import { Effect, Layer } from "effect"
import * as TestContainerd from "../../fixture/containerd/TestContainerd.ts"
import * as ClusterServer from "../../fixture/node/ClusterServer.ts"
import { container, idle, pod } from "../../fixture/node/pods.ts"
import { eventually, layer as nodeLayer, TestNode } from "../../fixture/node/TestNode.ts"

const amounts = (cpu: string, memory: string) => ({ requests: { cpu, memory }, limits: { cpu, memory } })

const under = nodeLayer().pipe(
  Layer.provideMerge(TestContainerd.layer),
  Layer.provideMerge(ClusterServer.memory),
  Layer.provideMerge(NodeServices.layer)
)

const resize = Effect.fnUntraced(function*(...containers: ReadonlyArray<unknown>) {
  const node = yield* TestNode
  yield* node.ok("patch", "pod", "sized", "--subresource=resize", "-p", JSON.stringify({ spec: { containers } }))
})

/** By either version of control groups. */
const limitFile = "cat /sys/fs/cgroup/memory.max /sys/fs/cgroup/memory/memory.limit_in_bytes 2>/dev/null"

const mebibytes = (name: string) =>
  Effect.gen(function*() {
    const node = yield* TestNode
    const text = yield* node.ok("exec", "sized", "-c", name, "--", "sh", "-c", `${limitFile}; true`)
    return Number(text.trim()) / 2 ** 20
  })

const shown = (path: string) =>
  Effect.gen(function*() {
    const node = yield* TestNode
    return yield* node.ok("get", "pod", "sized", "-o", `jsonpath={${path}}`)
  })

const has = (name: string, wanted: number) =>
  eventually(Effect.map(mebibytes(name), (limit) => assert.strictEqual(limit, wanted)))

const settled = eventually(
  Effect.map(shown(".status.conditions[*].type"), (types) => assert.notInclude(types, "PodResize"))
)

layer(under, { timeout: "120 seconds", excludeTestServices: true })("a pod on a real runtime", (it) => {
  it.effect("D17: grows and shrinks in place, or by a restart, and across a restart of the agent", () =>
    Effect.gen(function*() {
      const node = yield* TestNode
      yield* node.start
      const memory = [{ resourceName: "memory", restartPolicy: "RestartContainer" }]
      yield* node.apply(pod("sized", [
        container("c", idle, { resources: amounts("100m", "32Mi") }),
        container("r", idle, { resources: amounts("100m", "32Mi"), resizePolicy: memory })
      ]))
      yield* eventually(node.ok("wait", "pod/sized", "--for=condition=Ready", "--timeout=30s"))

      yield* resize({ name: "c", resources: amounts("200m", "64Mi") })
      yield* has("c", 64)
      yield* settled
      assert.strictEqual(yield* shown(".status.containerStatuses[0].resources.limits.memory"), "64Mi")
      yield* resize({ name: "c", resources: amounts("100m", "48Mi") })
      yield* has("c", 48)

      yield* resize({ name: "r", resources: amounts("100m", "64Mi") })
      yield* eventually(Effect.map(
        shown(".status.containerStatuses[*].restartCount"),
        (counts) => assert.strictEqual(counts, "0 1")
      ))
      yield* has("r", 64)

      yield* node.kill("SIGKILL")
      yield* resize({ name: "c", resources: amounts("100m", "96Mi") })
      yield* node.start
      yield* has("c", 96)
      yield* settled
      assert.strictEqual(yield* shown(".status.containerStatuses[*].restartCount"), "0 1")
      const told = yield* node.ok("get", "events", "-o", "jsonpath={.items[*].reason}")
      assert.include(told, "ResizeStarted")
      assert.include(told, "ResizeCompleted")
      assert.notInclude(told, "ResizeError")
    }).pipe(Effect.onError(() =>
      Effect.gen(function*() {
        const node = yield* TestNode
        yield* Effect.logError((yield* node.log).split("\n").slice(-30).join("\n"))
      })
    )))
})
