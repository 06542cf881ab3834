/** What every `Cni` promises, in networks that the ground gives: real namespaces, or names of some. */
import { assert, layer } from "@effect/vitest"
import { Context, Effect, type Layer, type Scope } from "effect"
import type { Attachment } from "../../src/domain/cni/execution.ts"
import type { NetworkList } from "../../src/domain/cni/networkList.ts"
import { podAddresses } from "../../src/domain/cni/result.ts"
import { Cni } from "../../src/layers/cni/Cni.ts"

export class CniGround extends Context.Service<CniGround, {
  /** A bridge network of its own, of both families, with `size` addresses of each to give. */
  readonly network: (size: number) => Effect.Effect<NetworkList, never, Scope.Scope>
  /** Path of a new network namespace. */
  readonly netns: Effect.Effect<string, never, Scope.Scope>
}>()("kubeffect/test/CniGround") {}

let count = 0

const attachmentIn = (netns: string, ifname = "eth0"): Attachment => ({
  containerId: `container-${process.pid}-${count++}`,
  netns,
  ifname,
  args: [["IgnoreUnknown", "1"], ["K8S_POD_NAME", "a"]],
  capabilityArgs: {}
})

const setup = (size: number) =>
  Effect.gen(function*() {
    const cni = yield* Cni
    const ground = yield* CniGround
    const list = yield* ground.network(size)
    return { cni, ground, list, attachment: attachmentIn(yield* ground.netns) }
  })

export const cniContract = (name: string, under: Layer.Layer<Cni | CniGround, unknown>) =>
  layer(under, { excludeTestServices: true, timeout: "60 seconds" })(`Cni: ${name}`, (it) => {
    it.effect("ADD gives an address of each family, on the interface asked for", () =>
      Effect.gen(function*() {
        const { attachment: plain, cni, list } = yield* setup(5)
        const burst = 2 ** 31 - 1
        const bandwidth = { ingressRate: 1e6, ingressBurst: burst, egressRate: 1e6, egressBurst: burst }
        // Debian's bandwidth plugin panics in CHECK where there is no limit to check.
        const attachment = { ...plain, capabilityArgs: { bandwidth } }
        const result = yield* cni.add(list, attachment)
        const [v4, v6] = podAddresses(result)
        assert.match(v4 ?? "", /^\d+\.\d+\.\d+\.\d+$/)
        assert.include(v6 ?? "", ":")
        const inside = result.interfaces.find(({ sandbox }) => sandbox === attachment.netns)
        assert.strictEqual(inside?.name, "eth0")
        yield* cni.check(list, attachment)
        yield* cni.del(list, attachment)
      }))

    it.effect("addresses are unique, run out with a typed error, and come back with DEL", () =>
      Effect.gen(function*() {
        const { cni, ground, list } = yield* setup(3)
        const attachments = yield* Effect.forEach([1, 2, 3], () =>
          Effect.map(ground.netns, (netns) => attachmentIn(netns)))
        const results = yield* Effect.forEach(attachments, (each) =>
          cni.add(list, each), { concurrency: 3 })
        const addresses = results.flatMap(podAddresses)
        assert.strictEqual(new Set(addresses).size, 6)
        const late = attachmentIn(yield* ground.netns)
        const error = yield* Effect.flip(cni.add(list, late))
        assert.deepInclude({ ...error }, { op: "ADD", network: list.name, fault: "Refused" })
        assert.strictEqual(error.reason._tag, "Retryable")
        assert.include(error.message, "no IP addresses available")
        yield* cni.del(list, late)
        yield* Effect.forEach(attachments, (each) => cni.del(list, each), { discard: true })
        assert.include(addresses, podAddresses(yield* cni.add(list, late))[0])
        yield* cni.del(list, late)
      }))

    it.effect("DEL can be repeated, also for what was never there and for a namespace that is gone", () =>
      Effect.gen(function*() {
        const { attachment, cni, list } = yield* setup(1)
        yield* cni.del(list, attachment)
        yield* cni.add(list, attachment)
        yield* cni.del(list, { ...attachment, netns: "" })
        yield* cni.del(list, attachment)
        yield* cni.add(list, attachmentIn(yield* (yield* CniGround).netns))
        yield* cni.gc(list, [])
      }))

    it.effect("two networks in one container are two interfaces", () =>
      Effect.gen(function*() {
        const { attachment, cni, ground, list } = yield* setup(2)
        const other = yield* ground.network(2)
        const second = { ...attachment, ifname: "net1" }
        yield* cni.add(list, attachment)
        const result = yield* cni.add(other, second)
        assert.include(result.interfaces.map(({ name }) => name), "net1")
        const mine = (yield* cni.attachments).filter((each) => each.attachment.containerId === attachment.containerId)
        assert.sameMembers(mine.map((each) => `${each.list.name} ${each.attachment.ifname}`), [
          `${list.name} eth0`,
          `${other.name} net1`
        ])
        yield* cni.del(other, second)
        yield* cni.del(list, attachment)
      }))

    it.effect("CHECK of what was never added is NotFound", () =>
      Effect.gen(function*() {
        const { attachment, cni, list } = yield* setup(1)
        assert.strictEqual((yield* Effect.flip(cni.check(list, attachment))).reason._tag, "NotFound")
        yield* cni.check({ ...list, disableCheck: true }, attachment)
      }))

    it.effect("an attachment is on record, as it was asked for, until DEL; GC takes all but the valid ones", () =>
      Effect.gen(function*() {
        const { attachment, cni, ground, list } = yield* setup(2)
        const stale = attachmentIn(yield* ground.netns)
        yield* cni.add(list, attachment)
        yield* cni.add(list, stale)
        yield* cni.gc(list, [attachment])
        const left = (yield* cni.attachments).filter((each) => each.list.name === list.name)
        assert.deepStrictEqual(left.map((each) => each.attachment), [attachment])
        // The one that was taken is free again, the other is not.
        const next = attachmentIn(yield* ground.netns)
        yield* cni.add(list, next)
        yield* cni.gc(list, [])
        assert.notInclude((yield* cni.attachments).map((each) => each.list.name), list.name)
      }))

    it.effect("plugins say which versions they speak; a list of several takes the newest that all do", () =>
      Effect.gen(function*() {
        const { attachment, cni, list } = yield* setup(2)
        assert.includeMembers([...(yield* cni.versions("bridge"))], ["0.4.0", "1.0.0"])
        yield* cni.add({ ...list, versions: ["1.0.0", "0.4.0"] }, attachment)
        yield* cni.del(list, attachment)
        yield* cni.status(list)
      }))

    it.effect("a plugin that is not installed is named", () =>
      Effect.gen(function*() {
        const { attachment, cni, list } = yield* setup(2)
        const broken = { ...list, plugins: [{ type: "no-such", capabilities: [], fields: { type: "no-such" } }] }
        const error = yield* Effect.flip(cni.add(broken, attachment))
        assert.deepInclude({ ...error }, { fault: "PluginMissing", plugin: "no-such", source: list.source })
        assert.strictEqual((yield* Effect.flip(cni.versions("no-such"))).fault, "PluginMissing")
      }))

    it.effect("names that are no names are refused before anything runs", () =>
      Effect.gen(function*() {
        const { attachment, cni, list } = yield* setup(2)
        for (const wrong of [{ containerId: "../x" }, { ifname: "a/b" }, { ifname: "sixteencharacter" }]) {
          const error = yield* Effect.flip(cni.add(list, { ...attachment, ...wrong }))
          assert.strictEqual(error.reason._tag, "Permanent")
        }
      }))
  })
