/** The agent dies at its calls while a pod is resized, before one happens and when it has. */
import { assert, describe, it } from "@effect/vitest"
import { Effect, Exit } from "effect"
import { at, listOf } from "../../src/domain/k8s/json.ts"
import * as resources from "../../src/domain/k8s/resources.ts"
import { runSim } from "../../src/testing/runSim.ts"
import * as World from "../../src/testing/World.ts"

const amounts = (cpu: string, memory: string) => ({ requests: { cpu, memory }, limits: { cpu, memory } })

const container = (restartPolicy: string) => ({
  name: "main",
  image: "docker.io/library/busybox:1.36",
  command: ["sh", "-c", "trap 'exit 0' TERM; while true; do sleep 0.2; done"],
  resources: amounts("500m", "64Mi"),
  resizePolicy: [{ resourceName: "memory", restartPolicy }]
})

interface Crash {
  readonly call: number
  readonly when: "before" | "after"
}

/** Calls that the resize took, and restarts of the container. */
const life = Effect.fnUntraced(function*(restartPolicy: string, crash: Crash | undefined) {
  const world = yield* World.make({ seed: 1, nodes: ["n1"] })
  const node = world.node("n1")
  yield* node.start
  const pod = yield* world.createPod("web", { nodeName: "n1", containers: [container(restartPolicy)] })
  yield* pod.reaches("Ready", 120_000)
  yield* Effect.sleep(5000)
  const before = node.calls()
  if (crash !== undefined) node.crashAt(before + crash.call, crash.when)
  yield* Effect.forkScoped(Effect.forever(Effect.andThen(Effect.sleep(1000), node.start)))
  yield* world.client.patch(resources.pods, { namespace: "default", name: "web" }, {
    type: "strategic",
    body: { spec: { containers: [{ name: "main", resources: amounts("1", "128Mi") }] } }
  }, { subresource: "resize" })
  const shown = () => listOf(at(pod.object(), "status", "containerStatuses"))[0]
  const resizing = () => JSON.stringify(at(pod.object(), "status", "conditions") ?? "").includes("PodResize")
  yield* world.until(
    "the pod has what it asked for",
    () => {
      const has = JSON.stringify(at(shown(), "resources", "limits"))
      return has === JSON.stringify(amounts("1", "128Mi").limits) && !resizing() ? "" : `${has} ${resizing()}`
    },
    120_000
  )
  yield* pod.reaches("Ready", 60_000)
  const calls = node.calls() - before
  const live = [...node.runtime.containers.values()].filter(({ state }) => state === "Running")
  assert.strictEqual(live.length, 1)
  assert.deepInclude(live[0]?.resources, { memoryLimitInBytes: 128n * 2n ** 20n, cpuQuota: 100_000n })
  const group = [...node.cgroups.groups].find(([path]) => path.includes("/pod"))?.[1]
  assert.deepInclude(group?.values, { memoryLimitBytes: 128 * 2 ** 20, cpuQuotaUs: 100_000 })
  return { calls, restarts: at(shown(), "restartCount") }
}, Effect.scoped)

const play = (restartPolicy: string, crash?: Crash) => {
  const { exit } = runSim(life(restartPolicy, crash), { seed: 1, untilMs: 900_000 })
  if (exit !== undefined && Exit.isSuccess(exit)) return exit.value
  return assert.fail(
    `killed ${crash?.when} call ${crash?.call}: ${String(exit?._tag === "Failure" ? exit.cause : exit)}`
  )
}

/** Each takes a world of its own. */
const stride = 10

describe("D17: an agent that is killed while it resizes", () => {
  it.each([
    { restartPolicy: "NotRequired", restarts: [0] },
    // A container that was made and not started counts, as it does for the kubelet.
    { restartPolicy: "RestartContainer", restarts: [1, 2] }
  ])("$restartPolicy: the pod has what it asked for, and was not restarted for nothing", (row) => {
    const { restartPolicy, restarts } = row
    const { calls } = play(restartPolicy)
    assert.isAbove(calls, 8)
    for (const when of ["before", "after"] as const) {
      for (let call = when === "before" ? 1 : 4; call <= Math.min(calls, 40); call += stride) {
        assert.include(restarts, play(restartPolicy, { call, when }).restarts, `killed ${when} call ${call}`)
      }
    }
  }, 120_000)
})
