/** Networks of sandboxes over played plugins: what is on record, what is given back, and when. */
import { assert, describe, it } from "@effect/vitest"
import { Deferred, Effect, Fiber, Layer, Result } from "effect"
import { TestClock } from "effect/testing"
import { parseNetwork } from "../../../src/domain/cni/networkList.ts"
import type { PodNetwork } from "../../../src/domain/cni/podRecord.ts"
import { Cni } from "../../../src/layers/cni/Cni.ts"
import * as CniSim from "../../../src/layers/cni/CniSim.ts"
import { Cri } from "../../../src/layers/cri/Cri.ts"
import * as HostFilesMemory from "../../../src/layers/host/HostFilesMemory.ts"
import { attachPods } from "../../../src/programs/network/attachPods.ts"
import { podRecords } from "../../../src/programs/network/podRecords.ts"
import { returnNetworks } from "../../../src/programs/network/returnNetworks.ts"
import { bridgeNetwork } from "../../fixture/cni/bridgeNetwork.ts"

const world = () => {
  const sim = CniSim.makeHandle()
  const host = new HostFilesMemory.MemoryHost()
  host.makeDirectories("/run/netns")
  host.write("/run/netns/a", "")
  const listed = new Set<string>()
  const cri = Layer.mock(Cri)({
    listPodSandbox: () => Effect.succeed({ items: [...listed].map((id) => ({ id })) }) as never
  })
  return { sim, host, listed, layer: Layer.mergeAll(CniSim.layer(sim), HostFilesMemory.layer(host), cri) }
}

const asked = { containerId: "s1", netns: "/run/netns/a", pod: { namespace: "n", name: "p", uid: "u" } }

const request = { containerId: "s1", netns: "/run/netns/a", ifname: "eth0", args: [], capabilityArgs: {} }

const planned = (...names: ReadonlyArray<string>): ReadonlyArray<PodNetwork> =>
  names.map((name, index) => ({
    name,
    list: Result.getOrThrow(parseNetwork(bridgeNetwork({ name, octet: index + 1, size: 5 }))),
    attachment: { ...request, ifname: index === 0 ? "eth0" : `net${index}` }
  }))

const setup = Effect.gen(function*() {
  const records = yield* podRecords("/var/network")
  return { records, pods: yield* attachPods(records) }
})

const refusing = { fault: "Refused", code: 100, msg: "no" } as const

describe("attachPods", () => {
  it.effect("what is added is on record with its results until DEL, which can be repeated", () =>
    Effect.gen(function*() {
      const { layer, sim } = world()
      yield* Effect.gen(function*() {
        const { pods, records } = yield* setup
        const made = yield* pods.add(asked, planned("one", "two"))
        assert.deepStrictEqual(made.map(({ result }) => result.ips.length), [2, 2])
        assert.deepStrictEqual(yield* records.read("s1"), {
          ...asked,
          state: "added",
          writtenAtMs: 0,
          networks: made
        })
        let former = 0
        const unknown = Effect.sync(() => void former++)
        yield* pods.del(request, unknown)
        assert.deepStrictEqual([sim.records, yield* records.all], [[], []])
        yield* pods.del(request, unknown)
        assert.strictEqual(former, 1)
      }).pipe(Effect.provide(layer))
    }).pipe(Effect.scoped))

  it.effect("a second network that fails takes the first one back", () =>
    Effect.gen(function*() {
      const { layer, sim } = world()
      yield* Effect.gen(function*() {
        const { pods, records } = yield* setup
        const [one, two] = planned("one", "two")
        if (one === undefined || two === undefined) return
        const broken = {
          ...two,
          list: { ...two.list, plugins: [{ type: "none", capabilities: [], fields: { type: "none" } }] }
        }
        const error = yield* Effect.flip(pods.add(asked, [one, broken]))
        assert.include(error.message, "none")
        assert.deepStrictEqual(sim.records, [])
        // A plugin that is not there cannot undo anything either: it is asked again later.
        assert.strictEqual((yield* records.read("s1"))?.state, "returning")
      }).pipe(Effect.provide(layer))
    }).pipe(Effect.scoped))

  it.effect("a repeated ADD, as after a crash of the agent, begins with taking back the first", () =>
    Effect.gen(function*() {
      const { layer, sim } = world()
      yield* Effect.gen(function*() {
        const first = yield* setup
        yield* first.pods.add(asked, planned("one"))
        const second = yield* setup
        yield* second.pods.add(asked, planned("one", "two"))
        assert.deepStrictEqual(sim.records.map(({ list }) => list.name), ["one", "two"])
      }).pipe(Effect.provide(layer))
    }).pipe(Effect.scoped))

  it.effect("an ADD that the runtime gives up on is returned soon after", () =>
    Effect.gen(function*() {
      const { layer, sim } = world()
      const begun = yield* Deferred.make<void>()
      const hanging = Layer.effect(
        Cni,
        Effect.map(Cni, (inner) =>
          Cni.of({
            ...inner,
            add: (list, attachment) =>
              inner.add(list, attachment).pipe(
                Effect.tap(() => Deferred.succeed(begun, undefined)),
                Effect.andThen(Effect.never)
              )
          }))
      )
      yield* Effect.gen(function*() {
        const { pods, records } = yield* setup
        const returning = yield* Effect.forkChild(returnNetworks(records, pods))
        const add = yield* Effect.forkChild(pods.add(asked, planned("one")))
        yield* Deferred.await(begun)
        yield* Fiber.interrupt(add)
        yield* TestClock.adjust("2 seconds")
        assert.deepStrictEqual([sim.records, yield* records.all], [[], []])
        yield* Fiber.interrupt(returning)
      }).pipe(Effect.provide(hanging.pipe(Layer.provideMerge(layer))))
    }).pipe(Effect.scoped))
})

describe("returnNetworks", () => {
  it.effect("a DEL that fails is tried again until it is done", () =>
    Effect.gen(function*() {
      const { layer, listed, sim } = world()
      yield* Effect.gen(function*() {
        const { pods, records } = yield* setup
        listed.add("s1")
        yield* pods.add(asked, planned("one"))
        yield* Effect.forkScoped(returnNetworks(records, pods))
        sim.faults.set("bridge DEL", refusing)
        assert.strictEqual((yield* Effect.flip(pods.del(request, Effect.void))).message.includes("no"), true)
        yield* TestClock.adjust("2 minutes")
        assert.strictEqual((yield* records.read("s1"))?.state, "returning")
        sim.faults.clear()
        yield* TestClock.adjust("40 seconds")
        assert.deepStrictEqual([sim.records, yield* records.all], [[], []])
      }).pipe(Effect.provide(layer))
    }).pipe(Effect.scoped))

  it.effect("sandboxes that are gone are given back, those that run keep what they have", () =>
    Effect.gen(function*() {
      const { host, layer, listed, sim } = world()
      yield* Effect.gen(function*() {
        const { pods, records } = yield* setup
        host.write("/run/netns/b", "")
        listed.add("s1").add("s2")
        yield* pods.add(asked, planned("one"))
        const other = { ...asked, containerId: "s2", netns: "/run/netns/b" }
        const [network] = planned("one")
        if (network === undefined) return
        yield* pods.add(other, [{ ...network, attachment: { ...network.attachment, ...other } }])
        yield* Effect.forkScoped(returnNetworks(records, pods))
        listed.delete("s2")
        host.removeTree("/run/netns/b")
        yield* TestClock.adjust("1 minute")
        assert.deepStrictEqual(sim.records.map(({ attachment }) => attachment.containerId), ["s1"])
      }).pipe(Effect.provide(layer))
    }).pipe(Effect.scoped))
})
