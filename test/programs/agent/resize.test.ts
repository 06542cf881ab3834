/** Pods that are resized while they run, on a whole node in memory: four cores, 16 GiB. */
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { TestClock } from "effect/testing"
import { at, listOf } from "../../../src/domain/k8s/json.ts"
import * as resources from "../../../src/domain/k8s/resources.ts"
import * as SimNode from "../../fixture/node/simNode.ts"

type Node = Effect.Success<ReturnType<typeof SimNode.make>>

const idle = "trap 'exit 0' TERM; while true; do sleep 0.2; done"
const amounts = (cpu: string, memory: string) => ({ requests: { cpu, memory }, limits: { cpu, memory } })
const container = (resources: unknown, more: Readonly<Record<string, unknown>> = {}) => ({
  name: "c",
  image: "docker.io/library/busybox:1.29",
  command: ["sh", "-c", idle],
  resources,
  ...more
})

/** Lets virtual time pass in small steps, as fibers of many periods want it. */
const pass = (seconds: number) =>
  Effect.forEach(Array.from({ length: seconds }), () => TestClock.adjust("1 second"), { discard: true })

const running = Effect.fnUntraced(function*(spec: Readonly<Record<string, unknown>>) {
  const node = yield* SimNode.make()
  yield* node.start
  yield* node.create("web", spec)
  yield* pass(3)
  assert.strictEqual(node.phase("web"), "Running")
  return node
})

const resize = (node: Node, wanted: unknown, name = "web") =>
  node.client.patch(resources.pods, { namespace: "default", name }, {
    type: "strategic",
    body: { spec: { containers: [{ name: "c", resources: wanted }] } }
  }, { subresource: "resize" })

const updates = (node: Node) =>
  node.runtime.calls.flatMap(({ method }) => /^(Update|Stop|Create)/.test(method) ? [method] : [])
const status = (node: Node, name = "web") => at(node.pod(name), "status")
const first = (node: Node, name = "web") => listOf(at(status(node, name), "containerStatuses"))[0]
const condition = (node: Node, type: string, name = "web"): unknown => {
  return listOf(at(status(node, name), "conditions")).find((one) => at(one, "type") === type)
}
const events = (node: Node, name = "web") => node.events(name).filter((text) => /Resize|Killing/.test(text))
const group = (node: Node) => [...node.cgroups.groups].find(([path]) => path.includes("/pod"))?.[1]

describe("D17: a pod that is resized", () => {
  it.effect("gets it in place: group, container and status follow, and users are told", () =>
    Effect.gen(function*() {
      const node = yield* running({ containers: [container(amounts("500m", "64Mi"))] })
      const id = at(first(node), "containerID")
      yield* resize(node, amounts("1", "128Mi"))
      yield* pass(3)
      assert.deepStrictEqual(updates(node), [
        "CreateContainer",
        "UpdatePodSandboxResources",
        "UpdateContainerResources",
        "UpdatePodSandboxResources",
        "UpdatePodSandboxResources",
        "UpdateContainerResources"
      ])
      assert.strictEqual(at(first(node), "containerID"), id)
      assert.strictEqual(at(first(node), "restartCount"), 0)
      assert.deepStrictEqual(at(first(node), "resources"), amounts("1", "128Mi"))
      assert.deepStrictEqual(at(first(node), "allocatedResources"), { cpu: "1", memory: "128Mi" })
      assert.deepStrictEqual(at(status(node), "resources"), amounts("1", "128Mi"))
      assert.isUndefined(condition(node, "PodResizeInProgress"))
      assert.deepInclude(group(node)?.values, {
        cpuShares: 1024,
        cpuQuotaUs: 100_000,
        memoryLimitBytes: 128 * 2 ** 20
      })
      const told = "{\"containers\":[{\"name\":\"c\",\"resources\":{\"limits\":{\"cpu\":\"1\",\"memory\":\"128Mi\"}," +
        "\"requests\":{\"cpu\":\"1\",\"memory\":\"128Mi\"}}}],\"generation\":2}"
      assert.deepStrictEqual(events(node), [
        `ResizeStarted: Pod resize started: ${told}`,
        `ResizeCompleted: Pod resize completed: ${told}`
      ])
    }))

  it.effect("is restarted where its policy says so, in a group that is large enough by then", () =>
    Effect.gen(function*() {
      const resizePolicy = [
        { resourceName: "cpu", restartPolicy: "NotRequired" },
        { resourceName: "memory", restartPolicy: "RestartContainer" }
      ]
      const node = yield* running({ containers: [container(amounts("500m", "64Mi"), { resizePolicy })] })
      yield* resize(node, amounts("500m", "128Mi"))
      yield* pass(5)
      assert.deepStrictEqual(updates(node), [
        "CreateContainer",
        "StopContainer",
        "UpdatePodSandboxResources",
        "CreateContainer"
      ])
      assert.strictEqual(at(first(node), "restartCount"), 1)
      assert.deepStrictEqual(at(first(node), "resources"), amounts("500m", "128Mi"))
      assert.include(events(node), "Killing: Container c resize requires restart")
      assert.strictEqual(node.phase("web"), "Running")
    }))

  it.effect("that asks for more than there is on the node is told so, and keeps what it has", () =>
    Effect.gen(function*() {
      const node = yield* running({ containers: [container(amounts("500m", "64Mi"))] })
      yield* resize(node, amounts("64", "64Mi"))
      yield* pass(3)
      const message = "Node didn't have enough capacity: cpu, requested: 64000, capacity: 4000"
      assert.deepInclude(condition(node, "PodResizePending"), {
        status: "True",
        reason: "Infeasible",
        message,
        observedGeneration: 2
      })
      assert.deepStrictEqual(updates(node), ["CreateContainer"])
      assert.deepStrictEqual(at(first(node), "allocatedResources"), { cpu: "500m", memory: "64Mi" })
      assert.match(events(node)[0] ?? "", /^ResizeInfeasible: Pod resize Infeasible: .*"generation":2,"error":"Node/)
      yield* resize(node, amounts("500m", "64Mi"))
      yield* pass(3)
      assert.isUndefined(condition(node, "PodResizePending"))
      assert.strictEqual(events(node).length, 1)
    }))

  it.effect("waits for others to leave, and gets it when they have", () =>
    Effect.gen(function*() {
      const node = yield* running({ containers: [container(amounts("1", "64Mi"))] })
      yield* node.create("other", { containers: [container(amounts("2", "64Mi"))] })
      yield* pass(3)
      yield* resize(node, amounts("3", "64Mi"))
      yield* pass(3)
      assert.deepInclude(condition(node, "PodResizePending"), {
        reason: "Deferred",
        message: "Node didn't have enough resource: cpu, requested: 3000, used: 2000, capacity: 4000"
      })
      assert.strictEqual(at(status(node), "observedGeneration"), 2)
      yield* node.remove("other")
      yield* pass(5)
      assert.isUndefined(condition(node, "PodResizePending"))
      assert.deepStrictEqual(at(first(node), "resources"), amounts("3", "64Mi"))
      assert.deepStrictEqual(events(node).map((text) => text.split(":")[0]), [
        "ResizeDeferred",
        "ResizeStarted",
        "ResizeCompleted"
      ])
    }))

  it.effect("is not granted what another one was granted before", () =>
    Effect.gen(function*() {
      const node = yield* running({ containers: [container(amounts("1", "64Mi"))] })
      yield* node.create("other", { containers: [container(amounts("1", "64Mi"))] })
      yield* pass(3)
      yield* Effect.all([resize(node, amounts("3", "64Mi")), resize(node, amounts("3", "64Mi"), "other")])
      yield* pass(3)
      const cpus = ["web", "other"].map((name) => at(first(node, name), "resources", "limits", "cpu"))
      assert.sameMembers(cpus, ["1", "3"])
    }))

  it.effect("D18: as a whole: its group follows, and so does the container that has no limit of its own", () =>
    Effect.gen(function*() {
      const node = yield* running({ containers: [container({})], resources: amounts("500m", "64Mi") })
      yield* node.client.patch(resources.pods, { namespace: "default", name: "web" }, {
        type: "strategic",
        body: { spec: { resources: amounts("1", "128Mi") } }
      }, { subresource: "resize" })
      yield* pass(3)
      assert.deepInclude(group(node)?.values, { cpuShares: 1024, cpuQuotaUs: 100_000, memoryLimitBytes: 128 * 2 ** 20 })
      const [run] = node.runtime.containers.values()
      assert.deepInclude(run?.resources, { memoryLimitInBytes: 128n * 2n ** 20n, cpuQuota: 100_000n })
      assert.deepStrictEqual(at(status(node), "resources"), amounts("1", "128Mi"))
      assert.deepStrictEqual(at(status(node), "allocatedResources"), { cpu: "1", memory: "128Mi" })
      assert.isUndefined(condition(node, "PodResizeInProgress"))
      assert.strictEqual(at(first(node), "restartCount"), 0)
      assert.match(events(node)[0] ?? "", /^ResizeStarted: Pod resize started: \{"resources":\{"limits":\{"cpu":"1"/)
    }))

  it.effect("takes no more room of others than it was allotted", () =>
    Effect.gen(function*() {
      const node = yield* running({ containers: [container(amounts("1", "64Mi"))] })
      yield* resize(node, amounts("64", "64Mi"))
      yield* pass(2)
      yield* node.create("other", { containers: [container(amounts("3", "64Mi"))] })
      yield* pass(3)
      assert.strictEqual(node.phase("other"), "Running")
    }))

  it.effect("keeps a memory limit that it uses more than, is told why, and gets the lower one when it uses less", () =>
    Effect.gen(function*() {
      const node = yield* running({ containers: [container(amounts("500m", "128Mi"))] })
      const its = group(node)
      const usageOf = (usageBytes: number) => {
        const idleStats = {
          cpu: { usageNs: 0, userNs: 0, systemNs: 0, periods: 0, throttledPeriods: 0, throttledNs: 0 }
        }
        const memory = {
          usageBytes,
          workingSetBytes: usageBytes,
          rssBytes: 0,
          cacheBytes: 0,
          mappedFileBytes: 0,
          maxUsageBytes: 0,
          pageFaults: 0,
          majorPageFaults: 0,
          oomKills: 0
        }
        if (its !== undefined) its.stats = { ...idleStats, memory, pids: { current: 1 }, io: [] }
      }
      usageOf(100 * 2 ** 20)
      yield* resize(node, amounts("500m", "64Mi"))
      yield* pass(3)
      assert.deepInclude(condition(node, "PodResizeInProgress"), {
        status: "True",
        reason: "Error",
        observedGeneration: 2,
        message: "cannot decrease memory limits: attempting to set pod memory limit (67108864) below current usage " +
          "(104857600)"
      })
      assert.deepStrictEqual(at(first(node), "allocatedResources"), { cpu: "500m", memory: "64Mi" })
      assert.deepStrictEqual(at(first(node), "resources", "limits"), { cpu: "500m", memory: "128Mi" })
      assert.isTrue(events(node).some((text) => text.startsWith("ResizeError: Pod resize error: ")))
      usageOf(10 * 2 ** 20)
      yield* pass(15)
      assert.isUndefined(condition(node, "PodResizeInProgress"))
      assert.deepStrictEqual(at(first(node), "resources", "limits"), { cpu: "500m", memory: "64Mi" })
    }))
})

const states = ["allocated_pods_state", "actuated_pods_state"].map((name) => `/var/lib/kubelet/${name}`)

describe("D17: across restarts of the agent", () => {
  it.effect("what was not granted stays so, and a container that is started again gets what was allotted", () =>
    Effect.gen(function*() {
      const node = yield* running({ containers: [container(amounts("500m", "64Mi"))] })
      yield* node.kill
      yield* resize(node, amounts("64", "64Mi"))
      yield* node.start
      yield* pass(3)
      assert.deepInclude(condition(node, "PodResizePending"), { reason: "Infeasible" })
      assert.deepStrictEqual(at(first(node), "allocatedResources"), { cpu: "500m", memory: "64Mi" })
      assert.strictEqual(at(first(node), "restartCount"), 0)
    }))

  it.effect("A16: what a kubelet has left is taken over, and nothing is resized for it", () =>
    Effect.gen(function*() {
      const node = yield* running({ containers: [container(amounts("500m", "64Mi"))] })
      const [allocated, actuated] = states.map((path) => node.host.readText(path))
      assert.include(allocated ?? "", "64Mi")
      assert.strictEqual(actuated, allocated)
      yield* node.kill
      yield* node.start
      yield* pass(3)
      assert.deepStrictEqual(updates(node), ["CreateContainer"])
      assert.deepStrictEqual(events(node), [])
    }))

  it.effect("records that cannot be read cost no pod its life: they are made anew", () =>
    Effect.gen(function*() {
      const node = yield* running({ containers: [container(amounts("500m", "64Mi"))] })
      yield* resize(node, amounts("64", "64Mi"))
      yield* pass(3)
      yield* node.kill
      for (const path of states) node.host.write(path, "{\"data\":\"{}\",\"checksum\":1}")
      yield* node.start
      yield* pass(3)
      assert.strictEqual(node.phase("web"), "Running")
      assert.deepStrictEqual(updates(node), ["CreateContainer"])
      assert.deepStrictEqual(at(first(node), "allocatedResources"), { cpu: "500m", memory: "64Mi" })
      assert.deepInclude(condition(node, "PodResizePending"), { reason: "Infeasible" })
      assert.isTrue(states.every((path) => node.host.exists(`${path}.corrupt`)))
    }))
})
