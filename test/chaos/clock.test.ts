/** A machine's clock that somebody sets: what the agent does by elapsed time goes on as if nothing had happened. */
import { assert, describe, it } from "@effect/vitest"
import { Effect, Exit } from "effect"
import { at } from "../../src/domain/k8s/json.ts"
import * as resources from "../../src/domain/k8s/resources.ts"
import { runSim } from "../../src/testing/runSim.ts"
import * as World from "../../src/testing/World.ts"

const probe = { exec: { command: ["true"] }, periodSeconds: 2 }
const container = {
  name: "main",
  image: "docker.io/library/busybox:1.36",
  command: ["sh", "-c", "while true; do sleep 1; done"],
  readinessProbe: probe,
  livenessProbe: probe
}

const readyOf = (node: unknown): unknown => {
  const conditions = at(node, "status", "conditions")
  const ready = Array.isArray(conditions) ? conditions.find((one: unknown) => at(one, "type") === "Ready") : undefined
  return at(ready, "status")
}

/** What the probes did, and what became of Ready, in the minutes after the clock was set. */
const afterJump = (byMs: number) => {
  const seen = { tries: 0, notReady: 0 }
  const story = Effect.gen(function*() {
    const world = yield* World.make({ seed: 1, nodes: ["n1"], runtime: { recordCalls: true } })
    const node = world.node("n1")
    yield* node.start
    const pod = yield* world.createPod("web", { nodeName: "n1", containers: [container] })
    yield* pod.reaches("Ready")
    world.api.onChange(({ plural }, { object }) => {
      if (plural === "nodes" && readyOf(object) !== "True") seen.notReady += 1
      if (plural === "pods" && at(object, "metadata", "name") === "web" && readyOf(object) !== "True") {
        seen.notReady += 1
      }
    })
    yield* Effect.sleep("20 seconds")
    node.jumpClock(byMs)
    const before = node.runtime.calls.length
    yield* Effect.sleep("2 minutes")
    seen.tries = node.runtime.calls.slice(before).filter(({ method }) => method === "ExecSync").length
    assert.strictEqual(readyOf(world.api.objects(resources.nodes)[0]), "True")
  })
  const { exit } = runSim(Effect.scoped(story), { seed: 1, untilMs: 600_000 })
  if (exit === undefined || Exit.isFailure(exit)) throw new Error(String(exit?.cause))
  return seen
}

describe("a clock that is set", () => {
  it.each([
    { byMs: 600_000, why: "no answer of the runtime looks old because the clock was put forward (seed 1115)" },
    { byMs: -600_000, why: "no probe waits for a time that comes twice" },
    { byMs: -3000, why: "a time server that corrects the clock is not noticed" }
  ])("by $byMs ms: $why", ({ byMs }) => {
    const { notReady, tries } = afterJump(byMs)
    assert.strictEqual(notReady, 0)
    assert.isAtLeast(tries, 110)
    assert.isAtMost(tries, 126)
  }, 30_000)
})
