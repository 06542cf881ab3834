import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { TestClock } from "effect/testing"
import { at, listOf } from "../../../src/domain/k8s/json.ts"
import { NamespaceMode, Signal } from "../../../src/gen/cri/api_pb.ts"
import * as SimNode from "../../fixture/node/simNode.ts"

type Node = Effect.Success<ReturnType<typeof SimNode.make>>

const busybox = "docker.io/library/busybox:1.29"
const container = (name: string, script: string, more: Readonly<Record<string, unknown>> = {}) => ({
  name,
  image: busybox,
  command: ["sh", "-c", script],
  ...more
})
const idle = "trap 'exit 0' TERM; while true; do sleep 0.2; done"

/** Times of the starts of containers, in whole seconds since the first. */
const startSeconds = (node: Node) => {
  const starts = node.runtime.calls.filter(({ method }) => method === "StartContainer").map(({ atMs }) => atMs)
  return starts.map((at) => Math.round((at - (starts[0] ?? 0)) / 1000))
}
const count = (node: Node, method: string) => node.runtime.calls.filter((call) => call.method === method).length

/** Lets virtual time pass in small steps, as fibers of many periods want it. */
const pass = (seconds: number) =>
  Effect.forEach(Array.from({ length: seconds }), () => TestClock.adjust("1 second"), { discard: true })

describe("a pod's life", () => {
  it.effect("C10, F7: runs, is deleted with grace, and its object goes after everything else", () =>
    Effect.gen(function*() {
      const node = yield* SimNode.make()
      yield* node.start
      yield* node.create("web", { containers: [container("c", idle)] })
      yield* pass(3)
      assert.strictEqual(node.phase("web"), "Running")
      yield* node.remove("web")
      assert.isDefined(node.pod("web")?.metadata["deletionTimestamp"])
      yield* pass(3)
      assert.isUndefined(node.pod("web"))
      const order = node.runtime.calls.map(({ method }) => method)
      assert.isBelow(order.lastIndexOf("StopContainer"), order.lastIndexOf("StopPodSandbox"))
      assert.deepStrictEqual(node.runtime.containers.size, 0)
    }))

  it.effect("D20: the stop signal that a container asks for is the runtime's, and shown as it has it", () =>
    Effect.gen(function*() {
      const node = yield* SimNode.make()
      yield* node.start
      yield* node.create("polite", {
        os: { name: "linux" },
        containers: [container("c", idle, { lifecycle: { stopSignal: "SIGUSR1" } })]
      })
      yield* pass(3)
      assert.strictEqual([...node.runtime.containers.values()][0]?.stopSignal, Signal.SIGUSR1)
      const shown = listOf(at(node.pod("polite"), "status", "containerStatuses"))[0]
      assert.strictEqual(at(shown, "stopSignal"), "SIGUSR1")
    }))

  it.effect("E13: a pod with users of its own has a block of host ids, in its sandbox and on its mounts", () =>
    Effect.gen(function*() {
      const node = yield* SimNode.make()
      yield* node.start
      yield* node.create("own", { hostUsers: false, containers: [container("c", idle)] })
      yield* pass(3)
      assert.strictEqual(node.phase("own"), "Running")
      const [sandbox] = node.runtime.sandboxes.values()
      const [run] = node.runtime.containers.values()
      assert.strictEqual(sandbox?.namespaces?.usernsOptions?.mode, NamespaceMode.POD)
      const first = sandbox?.namespaces?.usernsOptions?.uids[0]?.hostId
      assert.strictEqual(first, 65_536)
      assert.deepStrictEqual(run?.mounts.map(({ uidMappings }) => uidMappings[0]?.hostId), run?.mounts.map(() => first))
      assert.isAbove(run?.mounts.length ?? 0, 0)
    }))

  it.effect("D21: a mount is read-only all the way down where the runtime can, and its status says so", () =>
    Effect.gen(function*() {
      const node = yield* SimNode.make()
      yield* node.start
      const mount = { name: "v", mountPath: "/v", readOnly: true, recursiveReadOnly: "Enabled" }
      yield* node.create("sealed", {
        volumes: [{ name: "v", emptyDir: {} }],
        containers: [container("c", idle, { volumeMounts: [mount] })]
      })
      yield* pass(3)
      const [run] = node.runtime.containers.values()
      assert.isTrue(run?.mounts.find(({ containerPath }) => containerPath === "/v")?.recursiveReadOnly)
      const shown = listOf(at(node.pod("sealed"), "status", "containerStatuses"))[0]
      assert.deepStrictEqual(at(shown, "volumeMounts"), [mount])
    }))

  it.effect("D12: what ignores TERM is killed when its grace is over, not before", () =>
    Effect.gen(function*() {
      const node = yield* SimNode.make()
      yield* node.start
      yield* node.create("stubborn", {
        terminationGracePeriodSeconds: 10,
        containers: [container("c", "trap '' TERM; while true; do sleep 1; done")]
      })
      yield* pass(3)
      yield* node.remove("stubborn")
      yield* pass(8)
      assert.isDefined(node.pod("stubborn"))
      yield* pass(5)
      assert.isUndefined(node.pod("stubborn"))
    }))

  it.effect("C10: a second deletion with a shorter grace ends the first one's wait", () =>
    Effect.gen(function*() {
      const node = yield* SimNode.make()
      yield* node.start
      yield* node.create("stubborn", {
        terminationGracePeriodSeconds: 600,
        containers: [container("c", "trap '' TERM; while true; do sleep 1; done")]
      })
      yield* pass(3)
      yield* node.remove("stubborn")
      yield* pass(5)
      yield* node.remove("stubborn", 3)
      yield* pass(7)
      assert.isUndefined(node.pod("stubborn"))
      assert.strictEqual(node.runtime.containers.size, 0)
    }))

  it.effect("D9, F1: a Never pod ends in its phase, is not run again, and holds no sandbox", () =>
    Effect.gen(function*() {
      const node = yield* SimNode.make()
      yield* node.start
      yield* node.create("good", { restartPolicy: "Never", containers: [container("c", "exit 0")] })
      yield* node.create("bad", { restartPolicy: "Never", containers: [container("c", "exit 3")] })
      yield* pass(120)
      assert.deepStrictEqual([node.phase("good"), node.phase("bad")], ["Succeeded", "Failed"])
      assert.strictEqual(count(node, "StartContainer"), 2)
      assert.strictEqual(count(node, "StopPodSandbox"), 2)
    }))

  it.effect(
    "D11: a crashing container is started after 10, 20, 40, 80, 160, 300, 300 seconds",
    () =>
      Effect.gen(function*() {
        const node = yield* SimNode.make()
        yield* node.start
        yield* node.create("crash", { containers: [container("c", "exit 1")] })
        yield* pass(1000)
        const starts = startSeconds(node)
        const pauses = starts.slice(1).map((at, index) => at - (starts[index] ?? 0))
        for (const [index, want] of [0, 10, 20, 40, 80, 160, 300, 300].entries()) {
          assert.approximately(pauses[index] ?? -1, want, 2, `pause ${index} of ${pauses.join(" ")}`)
        }
        assert.include(
          node.events("crash").join("\n"),
          "BackOff: Back-off restarting failed container c in pod crash_default"
        )
      }),
    60_000
  )

  it.effect("D6, D7: init containers run one by one, then sidecars, then the rest", () =>
    Effect.gen(function*() {
      const node = yield* SimNode.make()
      yield* node.start
      yield* node.create("ordered", {
        initContainers: [
          container("first", "sleep 2"),
          container("side", idle, { restartPolicy: "Always" }),
          container("second", "sleep 2")
        ],
        containers: [container("main", idle)]
      })
      yield* pass(10)
      const created = node.runtime.calls.filter(({ method }) => method === "CreateContainer").map(({ target }) =>
        target
      )
      assert.strictEqual(node.phase("ordered"), "Running")
      assert.strictEqual(created.length, 4)
      const [first, side, second, main] = startSeconds(node)
      assert.deepStrictEqual([first, side, second], [0, 2, 2])
      assert.isAtLeast(main ?? 0, 4)
    }))
})

describe("an agent that dies", () => {
  it.effect("C15: takes over what runs: nothing is started or stopped, the status stays", () =>
    Effect.gen(function*() {
      const node = yield* SimNode.make()
      yield* node.start
      yield* node.create("web", { containers: [container("c", idle)] })
      yield* pass(5)
      const before = JSON.stringify(node.pod("web")?.["status"])
      const starts = count(node, "StartContainer")
      yield* node.kill
      yield* pass(30)
      yield* node.start
      yield* pass(30)
      assert.strictEqual(count(node, "StartContainer"), starts)
      assert.strictEqual(count(node, "StopContainer"), 0)
      assert.strictEqual(JSON.stringify(node.pod("web")?.["status"]), before)
    }))

  it.effect("D11: keeps a crashing container's back-off", () =>
    Effect.gen(function*() {
      const node = yield* SimNode.make()
      yield* node.start
      yield* node.create("crash", { containers: [container("c", "exit 1")] })
      // Started at 0, 0, 10 and 30 seconds: the next start is due 40 seconds later.
      yield* pass(35)
      const starts = count(node, "StartContainer")
      yield* node.kill
      yield* node.start
      yield* pass(25)
      assert.strictEqual(count(node, "StartContainer"), starts)
      yield* pass(20)
      assert.strictEqual(count(node, "StartContainer"), starts + 1)
    }))

  it.effect("C14: a pod deleted meanwhile is ended, and one whose object is gone is no survivor", () =>
    Effect.gen(function*() {
      const node = yield* SimNode.make()
      yield* node.start
      yield* node.create("deleted", { containers: [container("c", idle)] })
      yield* node.create("vanished", { containers: [container("c", idle)] })
      yield* pass(5)
      yield* node.kill
      yield* node.remove("deleted")
      yield* node.remove("vanished", 0)
      assert.isUndefined(node.pod("vanished"))
      yield* node.start
      yield* pass(10)
      assert.isUndefined(node.pod("deleted"))
      assert.strictEqual(node.runtime.containers.size, 0)
      assert.strictEqual(node.runtime.sandboxes.size, 0)
    }))

  it.effect("dies at any moment of a pod's start, and the pod still runs exactly once", () =>
    Effect.gen(function*() {
      for (let afterMs = 0; afterMs <= 400; afterMs += 20) {
        const node = yield* SimNode.make()
        yield* node.start
        yield* node.create("web", { containers: [container("a", idle), container("b", idle)] })
        yield* TestClock.adjust(afterMs)
        yield* node.kill
        yield* node.start
        yield* pass(20)
        assert.strictEqual(node.phase("web"), "Running", `killed after ${afterMs} ms`)
        const running = [...node.runtime.containers.values()].filter(({ state }) => state === "Running")
        assert.deepStrictEqual(running.map(({ name }) => name).sort(), ["a", "b"], `killed after ${afterMs} ms`)
      }
    }), 60_000)
})
