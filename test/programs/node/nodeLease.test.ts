import { assert, describe, it } from "@effect/vitest"
import { Clock, Effect, Layer, Ref } from "effect"
import { TestClock } from "effect/testing"
import { NotFound, Retryable } from "../../../src/domain/failure.ts"
import { newNode } from "../../../src/domain/node/nodeObject.ts"
import { ApiError, type ApiFailure, KubeApi, type KubeObject } from "../../../src/layers/api/KubeApi.ts"
import * as NodeFactsMemory from "../../../src/layers/host/NodeFactsMemory.ts"
import { nodeLease } from "../../../src/programs/node/nodeLease.ts"
import { NodeState } from "../../../src/programs/node/NodeState.ts"
import { agentConfig, agentSettings } from "../../fixture/agentSettings.ts"

const refused = (reason: ApiFailure) =>
  new ApiError({ op: "test", target: "", reason, status: 0, statusReason: "", detail: reason._tag })

/** Runs the lease of a node for a while; gives the seconds at which it was written, and what is there then. */
const keep = Effect.fnUntraced(function*(seconds: number, failsAt: (second: number) => boolean = () => false) {
  const stored = yield* Ref.make<KubeObject | undefined>(undefined)
  const writes = yield* Ref.make<ReadonlyArray<number>>([])
  const write = Effect.fnUntraced(function*(object: KubeObject) {
    const second = (yield* Clock.currentTimeMillis) / 1000
    if (failsAt(second)) return yield* refused(new Retryable({}))
    yield* Ref.set(stored, object)
    yield* Ref.update(writes, (all) => [...all, second])
    return object
  })
  const node = newNode(agentSettings, NodeFactsMemory.machine("n1"), {})
  const under = Layer.mergeAll(
    agentConfig({ nodeLeaseDurationMs: 40_000 }),
    Layer.mock(NodeState)({
      node: Effect.succeed({ ...node, metadata: { ...node.metadata, uid: "node-uid" } })
    }),
    Layer.mock(KubeApi)({
      get: () =>
        Effect.flatMap(
          Ref.get(stored),
          (object) => object === undefined ? Effect.fail(refused(new NotFound())) : Effect.succeed(object)
        ),
      create: (_, object) => write(object),
      update: (_, object) => write(object)
    })
  )
  yield* Effect.forkScoped(Effect.provide(nodeLease, under))
  for (let tenth = 0; tenth < seconds * 10; tenth++) yield* TestClock.adjust("100 millis")
  return { writes: yield* Ref.get(writes), lease: yield* Ref.get(stored) }
})

describe("B4: the node's lease", () => {
  it.effect("B4: is renewed four times in its duration, by the node that owns it", () =>
    Effect.gen(function*() {
      const { lease, writes } = yield* keep(41)
      assert.deepStrictEqual(writes, [0, 10, 20, 30, 40])
      assert.deepInclude(lease?.["spec"], { holderIdentity: "n1", leaseDurationSeconds: 40 })
      assert.deepStrictEqual(lease?.metadata["ownerReferences"], [
        { apiVersion: "v1", kind: "Node", name: "n1", uid: "node-uid" }
      ])
    }))

  it.effect("B4: a renewal that fails is tried again at once, then every seven seconds at most", () =>
    Effect.gen(function*() {
      const { writes } = yield* keep(60, (second) => second >= 10 && second < 35)
      const [, again = 0, ...later] = writes
      assert.isAtLeast(again, 35)
      assert.isAtMost(again, 42)
      assert.deepStrictEqual(later.map((second) => Math.round(second - again)), [10, 20].slice(0, later.length))
    }))

  it.effect("B4: one short failure delays it by less than a second", () =>
    Effect.gen(function*() {
      let failures = 0
      const { writes } = yield* keep(12, (second) => second >= 10 && failures++ < 3)
      assert.isAtMost(writes[1] ?? Number.POSITIVE_INFINITY, 11)
    }))
})
