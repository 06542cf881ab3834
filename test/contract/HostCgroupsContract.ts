/** What every `Cgroups` promises, below a group of its own. */
import { assert, layer } from "@effect/vitest"
import { Context, Effect, type Layer, type Scope } from "effect"
import { Cgroups } from "../../src/layers/host/Cgroups.ts"

/** What the names of the contract's groups begin with, and a process that ends with the scope. */
export class CgroupGround extends Context.Service<CgroupGround, {
  readonly parent: string
  readonly spawn: Effect.Effect<number, never, Scope.Scope>
}>()("kubeffect/test/CgroupGround") {}

let count = 0

const setup = Effect.gen(function*() {
  const cgroups = yield* Cgroups
  const ground = yield* CgroupGround
  const path = `${ground.parent}-t${count++}`
  yield* Effect.addFinalizer(() => Effect.orDie(cgroups.destroy(path)))
  return { cgroups, ground, path }
})

type Under = Layer.Layer<Cgroups | CgroupGround, unknown>

export const hostCgroupsContract = (name: string, under: Under) =>
  layer(under, { excludeTestServices: true })(`Cgroups: ${name}`, (it) => {
    it.effect("L1: a group is made with its parents, again without harm, and destroyed with what is below", () =>
      Effect.gen(function*() {
        const { cgroups, path } = yield* setup
        yield* cgroups.create(`${path}/burstable/pod1`)
        yield* cgroups.create(`${path}/burstable/pod1`)
        yield* cgroups.create(`${path}/burstable/pod2`)
        assert.strictEqual(yield* cgroups.exists(`${path}/burstable`), true)
        assert.deepStrictEqual(yield* cgroups.children(`${path}/burstable`), ["pod1", "pod2"])
        yield* cgroups.destroy(path)
        yield* cgroups.destroy(path)
        assert.strictEqual(yield* cgroups.exists(path), false)
        assert.deepStrictEqual(yield* cgroups.children(path), [])
        assert.deepStrictEqual(yield* cgroups.pids(path), [])
      }))

    it.effect("L2, L3, L6: values are in force as they were given, others stay", () =>
      Effect.gen(function*() {
        const { cgroups, path } = yield* setup
        yield* cgroups.create(path, { cpuShares: 204, cpuQuotaUs: 50_000, cpuPeriodUs: 100_000, pidsMax: 100 })
        yield* cgroups.apply(path, { memoryLimitBytes: 64 * 1024 * 1024 })
        const values = yield* cgroups.values(path)
        // One weight stands for some 26 shares on v2.
        assert.closeTo(values.cpuShares ?? 0, 204, 27)
        assert.strictEqual(values.cpuQuotaUs, 50_000)
        assert.strictEqual(values.cpuPeriodUs, 100_000)
        assert.strictEqual(values.pidsMax, 100)
        assert.strictEqual(values.memoryLimitBytes, 64 * 1024 * 1024)
        yield* cgroups.apply(path, { cpuQuotaUs: -1, memoryLimitBytes: -1, pidsMax: -1 })
        const freed = yield* cgroups.values(path)
        assert.deepStrictEqual([freed.cpuQuotaUs, freed.memoryLimitBytes, freed.pidsMax], [-1, -1, -1])
      }))

    it.effect("L16: processes are found wherever they are below, and destroyed with the group", () =>
      Effect.gen(function*() {
        const { cgroups, ground, path } = yield* setup
        yield* cgroups.create(`${path}/pod/a`)
        yield* cgroups.create(`${path}/pod/b`)
        const one = yield* ground.spawn
        const other = yield* ground.spawn
        yield* cgroups.enter(`${path}/pod/a`, one)
        yield* cgroups.enter(`${path}/pod/b`, other)
        assert.deepStrictEqual(yield* cgroups.pids(`${path}/pod`), [one, other].sort((a, b) => a - b))
        assert.strictEqual((yield* cgroups.stats(`${path}/pod/a`)).pids.current, 1)
        yield* cgroups.destroy(`${path}/pod`)
        assert.strictEqual(yield* cgroups.exists(`${path}/pod`), false)
      }))

    it.effect("what is not there is NotFound, and the root group stays", () =>
      Effect.gen(function*() {
        const { cgroups, path } = yield* setup
        for (const ask of [cgroups.values(path), cgroups.stats(path), cgroups.apply(path, { pidsMax: 1 })]) {
          assert.strictEqual(
            (yield* Effect.flip(ask as Effect.Effect<unknown, { reason: { _tag: string } }>)).reason._tag,
            "NotFound"
          )
        }
        assert.strictEqual((yield* Effect.flip(cgroups.destroy("/"))).code, "EINVAL")
      }))
  })
