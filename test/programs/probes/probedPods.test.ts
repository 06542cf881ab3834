/** Probes and the events about them on a whole simulated node: what users see of pods whose servers fail. */
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { TestClock } from "effect/testing"
import type { KubeObject } from "../../../src/layers/api/KubeApi.ts"
import * as SimNode from "../../fixture/node/simNode.ts"

type Node = Effect.Success<ReturnType<typeof SimNode.make>>

const pass = (seconds: number) =>
  Effect.forEach(Array.from({ length: seconds }), () => TestClock.adjust("1 second"), { discard: true })

interface Shown {
  readonly ready?: boolean
  readonly restartCount?: number
  readonly started?: boolean
}

const shown = (node: Node, name: string): Shown => {
  const status = node.pod(name)?.["status"] as { readonly containerStatuses?: ReadonlyArray<Shown> } | undefined
  return status?.containerStatuses?.[0] ?? {}
}

const condition = (pod: KubeObject | undefined, type: string): string | undefined => {
  const status = pod?.["status"] as
    | { readonly conditions?: ReadonlyArray<{ readonly type: string; readonly status: string }> }
    | undefined
  return status?.conditions?.find((each) => each.type === type)?.status
}

const http = (path: string, more: Readonly<Record<string, unknown>> = {}) => ({
  httpGet: { path, port: 8080 },
  periodSeconds: 2,
  ...more
})

/** A server whose health is as the test says. */
const nodeOf = (answers: Record<string, number>) =>
  SimNode.make({
    runtime: {
      images: ["registry.k8s.io/pause:3.10", "docker.io/library/web:1"],
      workloads: () => ({
        network: (request) =>
          request.kind === "http" ? { listening: true, status: answers[request.path] ?? 404 } : { listening: true }
      })
    }
  })

const server = (probes: Readonly<Record<string, unknown>>) => ({
  containers: [{ name: "c", image: "docker.io/library/web:1", ...probes }]
})

describe("probed pods", () => {
  it.effect("H2/H7: a pod is ready when its probe succeeds, not ready after three failures, and ready again", () =>
    Effect.gen(function*() {
      const answers = { "/ready": 200 }
      const node = yield* nodeOf(answers)
      yield* node.start
      yield* node.create("web", server({ readinessProbe: http("/ready") }))
      yield* pass(3)
      assert.isTrue(shown(node, "web").ready)
      assert.strictEqual(condition(node.pod("web"), "Ready"), "True")
      answers["/ready"] = 503
      yield* pass(3)
      assert.isTrue(shown(node, "web").ready)
      yield* pass(4)
      assert.isFalse(shown(node, "web").ready)
      assert.strictEqual(condition(node.pod("web"), "Ready"), "False")
      answers["/ready"] = 200
      yield* pass(3)
      assert.isTrue(shown(node, "web").ready)
      assert.include(node.events("web"), "Unhealthy: Readiness probe failed: HTTP probe failed with statuscode: 503")
      assert.strictEqual(shown(node, "web").restartCount, 0)
    }))

  it.effect("H3/D9: a container that fails its liveness probe is killed and starts again, probed anew", () =>
    Effect.gen(function*() {
      const answers = { "/live": 200 }
      const node = yield* nodeOf(answers)
      yield* node.start
      yield* node.create("web", server({ livenessProbe: http("/live") }))
      yield* pass(5)
      answers["/live"] = 500
      yield* pass(7)
      answers["/live"] = 200
      yield* pass(30)
      assert.deepStrictEqual([shown(node, "web").restartCount, shown(node, "web").ready], [1, true])
      assert.include(node.events("web"), "Killing: Container c failed liveness probe, will be restarted")
    }))

  it.effect("H8: readiness begins with the success of the startup probe", () =>
    Effect.gen(function*() {
      const answers = { "/up": 500, "/ready": 200 }
      const node = yield* nodeOf(answers)
      yield* node.start
      const probes = { startupProbe: http("/up", { failureThreshold: 30 }), readinessProbe: http("/ready") }
      yield* node.create("web", server(probes))
      yield* pass(10)
      assert.deepStrictEqual([shown(node, "web").started, shown(node, "web").ready], [false, false])
      answers["/up"] = 200
      yield* pass(3)
      assert.deepStrictEqual([shown(node, "web").started, shown(node, "web").ready], [true, true])
    }))

  it.effect("C15: readiness does not flap when the agent starts again", () =>
    Effect.gen(function*() {
      const answers = { "/up": 200, "/ready": 200 }
      const node = yield* nodeOf(answers)
      yield* node.start
      yield* node.create("web", server({ startupProbe: http("/up"), readinessProbe: http("/ready") }))
      yield* pass(5)
      assert.isTrue(shown(node, "web").ready)
      yield* node.kill
      // An endpoint that only answers at the start must not bring the container down now.
      answers["/up"] = 500
      yield* node.start
      for (let second = 0; second < 20; second++) {
        assert.deepStrictEqual([shown(node, "web").started, shown(node, "web").ready], [true, true])
        yield* pass(1)
      }
      assert.strictEqual(shown(node, "web").restartCount, 0)
    }))

  it.effect("T1/T5: users read the container's life in order, each step once", () =>
    Effect.gen(function*() {
      const node = yield* nodeOf({ "/ready": 200 })
      yield* node.start
      yield* node.create("web", server({ readinessProbe: http("/ready") }))
      yield* pass(10)
      const reasons = node.events("web").map((event) => event.split(":")[0])
      assert.deepStrictEqual(reasons.filter((reason) => reason !== "MissingClusterDNS"), [
        "Pulled",
        "Created",
        "Started"
      ])
    }))
})
