/** What every `Systemd` promises, on one that knows no units to begin with and answers every job with `done`. */
import { assert, layer } from "@effect/vitest"
import { Context, Effect, type Layer } from "effect"
import type { UnitProperty } from "../../src/domain/resources/systemdProperties.ts"
import { Systemd } from "../../src/layers/systemd/Systemd.ts"

/** What the systemd under test has of a unit; undefined when it does not have it. */
export class SystemdGround extends Context.Service<SystemdGround, {
  readonly properties: (unit: string) => ReadonlyMap<string, UnitProperty["value"]> | undefined
}>()("kubeffect/test/SystemdGround") {}

const tasks = (value: bigint): UnitProperty => ({ name: "TasksMax", type: "t", value })

export const systemdContract = (name: string, under: Layer.Layer<Systemd | SystemdGround, unknown>) =>
  layer(under, { excludeTestServices: true })(`Systemd: ${name}`, (it) => {
    it.effect("L1: says its version", () =>
      Effect.gen(function*() {
        assert.strictEqual(yield* (yield* Systemd).version, 252)
      }))

    it.effect("L1: makes a unit with its properties, each of its type, and leaves one that exists", () =>
      Effect.gen(function*() {
        const systemd = yield* Systemd
        const { properties } = yield* SystemdGround
        yield* systemd.startTransient("kubepods.slice", [
          { name: "Description", type: "s", value: "pods: kubepods.slice" },
          { name: "Wants", type: "as", value: ["-.slice"] },
          { name: "MemoryAccounting", type: "b", value: true },
          { name: "MemoryMax", type: "t", value: 2n ** 64n - 1n },
          { name: "AllowedCPUs", type: "ay", value: new Uint8Array([5, 1]) }
        ])
        yield* systemd.startTransient("kubepods.slice", [tasks(1n)])
        assert.deepStrictEqual([...properties("kubepods.slice") ?? []], [
          ["Description", "pods: kubepods.slice"],
          ["Wants", ["-.slice"]],
          ["MemoryAccounting", true],
          ["MemoryMax", 2n ** 64n - 1n],
          ["AllowedCPUs", new Uint8Array([5, 1])]
        ])
      }))

    it.effect("L1: changes what is there; what is not is NotFound", () =>
      Effect.gen(function*() {
        const systemd = yield* Systemd
        const { properties } = yield* SystemdGround
        yield* systemd.startTransient("a.slice", [tasks(1n)])
        yield* systemd.setProperties("a.slice", [tasks(7n)])
        assert.strictEqual(properties("a.slice")?.get("TasksMax"), 7n)
        const error = yield* Effect.flip(systemd.setProperties("b.slice", [tasks(1n)]))
        assert.strictEqual(error.reason._tag, "NotFound")
        assert.strictEqual(
          error.message,
          "SetUnitProperties b.slice: org.freedesktop.systemd1.NoSuchUnit: Unit b.slice not loaded."
        )
      }))

    it.effect("L16: stops a unit; what is gone is a success", () =>
      Effect.gen(function*() {
        const systemd = yield* Systemd
        const { properties } = yield* SystemdGround
        yield* systemd.startTransient("c.slice", [])
        yield* systemd.stop("c.slice")
        assert.isUndefined(properties("c.slice"))
        yield* systemd.stop("c.slice")
      }))

    it.effect("many at once do not take each other's answers", () =>
      Effect.gen(function*() {
        const systemd = yield* Systemd
        const { properties } = yield* SystemdGround
        const numbers = Array.from({ length: 20 }, (_, index) => index)
        yield* Effect.forEach(numbers, (n) => systemd.startTransient(`n${n}.slice`, [tasks(BigInt(n))]), {
          concurrency: "unbounded",
          discard: true
        })
        for (const n of numbers) assert.strictEqual(properties(`n${n}.slice`)?.get("TasksMax"), BigInt(n))
      }))
  })
