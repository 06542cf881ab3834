/** What is found wrong with a node's network, and when; and the addresses that a runtime is told. */
import { assert, describe, it } from "@effect/vitest"
import { Effect, Layer, Ref, Stream, SubscriptionRef } from "effect"
import { TestClock } from "effect/testing"
import type { Node } from "../../../src/domain/k8s/node.ts"
import * as CniSim from "../../../src/layers/cni/CniSim.ts"
import { Cri } from "../../../src/layers/cri/Cri.ts"
import * as HostFilesMemory from "../../../src/layers/host/HostFilesMemory.ts"
import * as Problems from "../../../src/programs/network/NetworkProblems.ts"
import { podCidr } from "../../../src/programs/network/podCidr.ts"
import { NodeState } from "../../../src/programs/node/NodeState.ts"
import { bridgeNetwork } from "../../fixture/cni/bridgeNetwork.ts"

const confDir = "/etc/cni/net.d"
const config = JSON.stringify({ cni: { binDir: "/opt/cni/bin", confDir } })

const world = (info: Readonly<Record<string, string>> = { config }) => {
  const host = new HostFilesMemory.MemoryHost()
  host.makeDirectories(confDir)
  host.makeDirectories("/opt/cni/bin")
  for (const plugin of ["bridge", "host-local", "portmap", "bandwidth"]) host.write(`/opt/cni/bin/${plugin}`, "")
  const sim = CniSim.makeHandle()
  const cri = Layer.mock(Cri)({ status: () => Effect.succeed({ info, runtimeHandlers: [] }) as never })
  const layer = Problems.layer.pipe(
    Layer.provide([CniSim.layer(sim), cri, HostFilesMemory.layer(host)])
  )
  return { host, sim, layer }
}

const { path, text } = bridgeNetwork({ name: "pods", octet: 1, size: 5 })

describe("NetworkProblems", () => {
  it.effect("B6: tells what is missing, in the order in which it would be mended, until nothing is", () => {
    const { host, layer, sim } = world()
    return Effect.gen(function*() {
      const problems = yield* Problems.NetworkProblems
      const now = Effect.andThen(TestClock.adjust("20 seconds"), problems.current)
      assert.deepStrictEqual(yield* now, [`no network configuration in ${confDir}`])
      host.write(path, "{")
      assert.deepStrictEqual(yield* now, [`network configuration ${path}: it is no JSON: {`])
      host.write(path, text)
      host.removeTree("/opt/cni/bin/host-local")
      assert.deepStrictEqual(yield* now, [`plugin host-local, which ${path} needs, is not installed in /opt/cni/bin`])
      host.write("/opt/cni/bin/host-local", "")
      sim.faults.set("bridge STATUS", { fault: "Refused", code: 50, msg: "the bridge is down" })
      const [status = ""] = yield* now
      assert.include(status, `STATUS of network pods (${path}): plugin bridge: the bridge is down`)
      sim.faults.clear()
      assert.deepStrictEqual(yield* now, [])
      assert.strictEqual((yield* problems.network)?.name, "pods")
      assert.include(
        yield* problems.explain("plugin type=\"bridge\" failed (add): boom"),
        `boom (see plugin bridge in ${path})`
      )
      assert.strictEqual(yield* problems.explain("no space left on device"), "no space left on device")
    }).pipe(Effect.provide(layer))
  })

  it.effect("a runtime that does not say where it looks is not second-guessed", () =>
    Effect.gen(function*() {
      const problems = yield* Problems.NetworkProblems
      yield* TestClock.adjust("1 minute")
      assert.deepStrictEqual(yield* problems.current, [])
    }).pipe(Effect.provide(world({}).layer)))
})

describe("podCidr", () => {
  const nodeOf = (...podCIDRs: ReadonlyArray<string>): Node =>
    ({ metadata: { name: "n" }, spec: { podCIDRs } }) as never

  it.effect("K2: the node's addresses are told once each, both families in one, and again until they are heard", () =>
    Effect.gen(function*() {
      const told = yield* Ref.make<ReadonlyArray<string>>([])
      const node = yield* SubscriptionRef.make<Node | undefined>(undefined)
      let failures = 1
      const cri = Layer.mock(Cri)({
        updateRuntimeConfig: ({ runtimeConfig }) =>
          failures-- > 0
            ? Effect.fail({ reason: { _tag: "Retryable" }, message: "away" } as never)
            : Effect.as(Ref.update(told, (all) => [...all, runtimeConfig?.networkConfig?.podCidr ?? ""]), {} as never)
      })
      const state = Layer.mock(NodeState)({ nodeChanges: SubscriptionRef.changes(node) })
      yield* Effect.forkScoped(Effect.provide(podCidr(""), Layer.merge(cri, state)))
      yield* TestClock.adjust("1 second")
      assert.deepStrictEqual(yield* Ref.get(told), [])
      for (
        const next of [nodeOf("10.1.0.0/24", "fd00::/64"), nodeOf("10.1.0.0/24", "fd00::/64"), nodeOf("10.2.0.0/24")]
      ) {
        yield* SubscriptionRef.set(node, next)
        yield* TestClock.adjust("5 seconds")
      }
      assert.deepStrictEqual(yield* Ref.get(told), ["10.1.0.0/24,fd00::/64", "10.2.0.0/24"])
    }))

  it.effect("K2: without an API server the configured addresses are told", () =>
    Effect.gen(function*() {
      const told = yield* Ref.make("")
      const cri = Layer.mock(Cri)({
        updateRuntimeConfig: ({ runtimeConfig }) =>
          Effect.as(Ref.set(told, runtimeConfig?.networkConfig?.podCidr ?? ""), {} as never)
      })
      const state = Layer.mock(NodeState)({ nodeChanges: Stream.never })
      yield* Effect.forkScoped(Effect.provide(podCidr("10.9.0.0/24"), Layer.merge(cri, state)))
      yield* TestClock.adjust("1 second")
      assert.strictEqual(yield* Ref.get(told), "10.9.0.0/24")
    }))
})
