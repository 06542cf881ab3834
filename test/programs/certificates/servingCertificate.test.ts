import { assert, describe, it } from "@effect/vitest"
import { Effect, Layer, Option, Ref, Stream, SubscriptionRef } from "effect"
import { TestClock } from "effect/testing"
import type { Node } from "../../../src/domain/k8s/node.ts"
import { renderFamilies } from "../../../src/domain/stats/exposition.ts"
import { KubeApi } from "../../../src/layers/api/KubeApi.ts"
import { registered } from "../../../src/layers/streaming/live/registry.ts"
import { ServingKeyPair } from "../../../src/layers/streaming/ServingKeyPair.ts"
import * as servingCertificate from "../../../src/programs/certificates/servingCertificate.ts"
import { NodeState } from "../../../src/programs/node/NodeState.ts"
import { agentConfig } from "../../fixture/agentSettings.ts"
import { day, folder, hour, make, minute, second, settle } from "./world.ts"

const nodeAt = (...addresses: ReadonlyArray<string>): Node => ({
  metadata: { name: "n1" },
  status: {
    addresses: addresses.map((address) => ({ type: address === "n1" ? "Hostname" : "InternalIP", address }))
  }
} as Node)

/** A node whose server asks for its certificate; `shown` is what it shows. */
const start = Effect.fnUntraced(function*(lifeMs: number, first: Node | undefined) {
  const world = yield* make(lifeMs)
  const node = yield* SubscriptionRef.make(first)
  const state = Layer.mock(NodeState)({ nodeChanges: SubscriptionRef.changes(node) })
  const under = Layer.mergeAll(
    Layer.succeedContext(world.tools),
    Layer.succeed(KubeApi)(world.as("node")),
    state,
    agentConfig()
  )
  const again = Effect.flatMap(
    Layer.build(Layer.fresh(servingCertificate.layer({ folder, allowDnsOnly: false }).pipe(Layer.provide(under)))),
    (context) => Effect.provide(ServingKeyPair, context)
  )
  const pair = yield* again
  const seen: Array<string> = []
  const names = Effect.flatMap(
    pair.current,
    Option.match({
      onNone: () => Effect.succeed("none"),
      onSome: ({ cert }) => Effect.map(world.x509.read(cert), ({ dnsNames, ips }) => [...dnsNames, ...ips].join(" "))
    })
  )
  yield* Effect.forkScoped(
    Stream.runForEach(pair.changes, () => Effect.map(names, (now) => seen.at(-1) === now ? 0 : seen.push(now)))
  )
  yield* settle
  return { ...world, again, node, pair, shown: names, seen }
})

describe("the serving certificate", () => {
  it.effect("A13: is asked for when the node has an address, for its names and addresses", () =>
    Effect.gen(function*() {
      const { made, node, shown } = yield* start(day, undefined)
      yield* TestClock.adjust(hour)
      yield* SubscriptionRef.set(node, nodeAt("n1"))
      yield* TestClock.adjust(hour)
      assert.strictEqual(made.length, 0)
      assert.strictEqual(yield* shown, "none")
      yield* SubscriptionRef.set(node, nodeAt("n1", "10.0.0.2"))
      yield* settle
      assert.strictEqual(made.length, 1)
      assert.strictEqual(yield* shown, "n1 10.0.0.2")
    }))

  it.effect("A13: is asked for anew when the addresses change, not when the rest of the node does", () =>
    Effect.gen(function*() {
      const { made, node, seen, signing } = yield* start(day, nodeAt("n1", "10.0.0.2"))
      yield* SubscriptionRef.set(
        node,
        { ...nodeAt("n1", "10.0.0.2"), metadata: { name: "n1", labels: { a: "b" } } } as Node
      )
      yield* TestClock.adjust(minute)
      assert.strictEqual(made.length, 1)
      yield* SubscriptionRef.set(node, nodeAt("n1", "10.0.0.3"))
      yield* settle
      assert.deepStrictEqual(seen.slice(-2), ["n1 10.0.0.2", "n1 10.0.0.3"])

      // What is under way for addresses of before is given up.
      yield* Ref.set(signing, "wait")
      yield* SubscriptionRef.set(node, nodeAt("n1", "10.0.0.4"))
      yield* settle
      yield* Ref.set(signing, "sign")
      yield* SubscriptionRef.set(node, nodeAt("n1", "10.0.0.5"))
      yield* settle
      assert.strictEqual(made.length, 4)
      assert.strictEqual(seen.at(-1), "n1 10.0.0.5")
      yield* TestClock.adjust(hour)
      assert.strictEqual(made.length, 4)
    }))

  it.effect("A13: is renewed before it ends, and one kept from an earlier start is used at once", () =>
    Effect.gen(function*() {
      const { again, made, names, pair, seen } = yield* start(day, nodeAt("n1", "10.0.0.2"))
      const first = yield* pair.current
      yield* TestClock.adjust(0.69 * day)
      assert.deepStrictEqual(yield* pair.current, first)
      yield* TestClock.adjust(0.22 * day)
      assert.notDeepEqual(yield* pair.current, first)
      assert.strictEqual(made.length, 2)
      assert.deepStrictEqual(seen, ["none", "n1 10.0.0.2"])
      assert.include(yield* names, "kubelet-server-current.pem")
      assert.deepStrictEqual(yield* (yield* again).current, yield* pair.current)
      yield* settle
      assert.strictEqual(made.length, 2)
    }))

  it.effect("A13: that cannot be renewed is shown no more once it has expired, and counted", () =>
    Effect.gen(function*() {
      const { seen, signing } = yield* start(hour, nodeAt("n1", "10.0.0.2"))
      const metrics = Effect.map(registered(() => true), renderFamilies)
      const value = (text: string, name: string) =>
        Number(new RegExp(`^${name} (.*)$`, "m").exec(text)?.[1]?.replace("+Inf", "Infinity"))
      const ttl = "kubelet_certificate_manager_server_ttl_seconds"
      const errors = "kubelet_server_expiration_renew_errors"
      const before = yield* metrics
      assert.strictEqual(value(before, ttl), 3600)
      yield* TestClock.adjust(minute)
      assert.strictEqual(value(yield* metrics, ttl), 3540)
      yield* Ref.set(signing, "deny")
      yield* TestClock.adjust(hour)
      assert.deepStrictEqual(seen, ["none", "n1 10.0.0.2", "none"])
      const after = yield* metrics
      assert.strictEqual(value(after, ttl), Infinity)
      assert.isAbove(value(after, errors), value(before, errors))
      yield* Ref.set(signing, "sign")
      yield* TestClock.adjust(40 * second)
      assert.deepStrictEqual(seen.slice(-2), ["none", "n1 10.0.0.2"])
      assert.isAbove(value(yield* metrics, "kubelet_certificate_manager_server_rotation_seconds_count"), 0)
    }))
})
