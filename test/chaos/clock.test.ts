/** A machine's clock that somebody sets: what the agent does by elapsed time goes on as if nothing had happened. */
import { assert, describe, it } from "@effect/vitest"
import { Clock, Effect, Exit } from "effect"
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

/** Seconds after the clock was set at which a container that crashes at once was started again. */
const restartsAfterJump = (byMs: number) => {
  const seconds: Array<number> = []
  const story = Effect.gen(function*() {
    const world = yield* World.make({ seed: 1, nodes: ["n1"], runtime: { recordCalls: true } })
    const node = world.node("n1")
    yield* node.start
    yield* world.createPod("web", {
      nodeName: "n1",
      containers: [{ name: "main", image: container.image, command: ["sh", "-c", "exit 1"] }]
    })
    // Started at 0, 0, 10 and 30 seconds: it waits for its fifth start.
    yield* Effect.sleep("40 seconds")
    const jumpedMs = yield* Clock.currentTimeMillis
    const before = node.runtime.calls.length
    node.jumpClock(byMs)
    yield* Effect.sleep("4 minutes")
    for (const { atMs, method } of node.runtime.calls.slice(before)) {
      if (method === "StartContainer") seconds.push(Math.round((atMs - jumpedMs) / 1000))
    }
  })
  const { exit } = runSim(Effect.scoped(story), { seed: 1, untilMs: 600_000 })
  if (exit === undefined || Exit.isFailure(exit)) throw new Error(String(exit?.cause))
  return seconds
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

  it.each([
    { byMs: 0, mostSeconds: 32, why: "8 of 40 s were over" },
    { byMs: -600_000, mostSeconds: 40, why: "an end that is yet to come puts nothing off" },
    { byMs: -20_000, mostSeconds: 52, why: "so much longer as it was set back, if that is less than the wait" },
    { byMs: 600_000, mostSeconds: 32, why: "the wait was over long ago" }
  ])("D11: by $byMs ms: a crashing container starts again in $mostSeconds s: $why", ({ byMs, mostSeconds }) => {
    const [first = Infinity, second = Infinity, ...more] = restartsAfterJump(byMs)
    assert.isAtMost(first, mostSeconds)
    assert.strictEqual(second - first, 80)
    assert.isEmpty(more)
  }, 30_000)
})
