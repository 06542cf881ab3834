/** The agent dies at its calls in the life of one pod, before one happens and when it has. */
import { assert, describe, it } from "@effect/vitest"
import { Effect, Exit } from "effect"
import { runSim } from "../../src/testing/runSim.ts"
import * as World from "../../src/testing/World.ts"

const idle = "trap 'exit 0' TERM; while true; do sleep 0.2; done"
const image = "docker.io/library/busybox:1.36"
const mounts = [{ name: "scratch", mountPath: "/scratch" }]
const spec = {
  nodeName: "n1",
  volumes: [{ name: "scratch", emptyDir: { medium: "Memory" } }],
  initContainers: [{ name: "first", image, command: ["sh", "-c", "exit 0"], volumeMounts: mounts }],
  containers: [{ name: "main", image, command: ["sh", "-c", idle], volumeMounts: mounts }]
}

interface Crash {
  readonly call: number
  readonly when: "before" | "after"
}

const life = Effect.fnUntraced(function*(crash: Crash | undefined) {
  const world = yield* World.make({ seed: 1, nodes: ["n1"] })
  const node = world.node("n1")
  if (crash !== undefined) node.crashAt(crash.call, crash.when)
  yield* node.start
  const pod = yield* world.createPod("web", spec)
  const revive = Effect.forever(Effect.andThen(Effect.sleep(1000), node.start))
  yield* Effect.forkScoped(revive)
  yield* pod.reaches("Ready", 120_000)
  const live = [...node.runtime.containers.values()].filter(({ state }) => state === "Running")
  assert.strictEqual(live.length, 1)
  yield* pod.remove(2)
  yield* pod.reaches("Gone", 120_000)
  const started = node.runtime.containers.size
  yield* Effect.sleep(180_000)
  return { calls: node.calls(), started, left: node.runtime.sandboxes.size + node.runtime.containers.size }
}, Effect.scoped)

const play = (crash?: Crash) => {
  const { exit } = runSim(life(crash), { seed: 1, untilMs: 900_000 })
  if (exit !== undefined && Exit.isSuccess(exit)) return exit.value
  return assert.fail(
    `killed ${crash?.when} call ${crash?.call}: ${String(exit?._tag === "Failure" ? exit.cause : exit)}`
  )
}

/** Later calls are those of loops that come round with or without a pod. */
const pointsMax = 150
/** Each takes a world of its own: the tests visit every fifteenth. */
const stride = 15

describe("an agent that is killed at any call", () => {
  it.each(["before", "after"] as const)("%s it: the pod still runs once, goes, and leaves nothing", (when) => {
    const { calls } = play()
    assert.isAbove(calls, 60)
    for (let call = 1; call <= Math.min(calls, pointsMax); call += stride) {
      assert.strictEqual(play({ call, when }).left, 0, `killed ${when} call ${call}`)
    }
  }, 120_000)
})
