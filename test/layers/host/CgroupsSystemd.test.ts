import { assert, describe, it } from "@effect/vitest"
import { Effect, Layer } from "effect"
import { Cgroups } from "../../../src/layers/host/Cgroups.ts"
import * as CgroupsLive from "../../../src/layers/host/CgroupsLive.ts"
import * as CgroupsSystemd from "../../../src/layers/host/CgroupsSystemd.ts"
import * as HostFilesMemory from "../../../src/layers/host/HostFilesMemory.ts"
import * as ProcessesMemory from "../../../src/layers/host/ProcessesMemory.ts"
import * as SystemdSim from "../../../src/layers/systemd/SystemdSim.ts"
import { CgroupGround, hostCgroupsContract } from "../../contract/HostCgroupsContract.ts"
import * as fakeTree from "./fakeCgroupTree.ts"

const under = (host: HostFilesMemory.MemoryHost, systemd: SystemdSim.SimSystemd) =>
  CgroupsSystemd.layer.pipe(
    Layer.provide(CgroupsLive.layer().pipe(Layer.provide(Layer.merge(fakeTree.layer(host), ProcessesMemory.layer())))),
    Layer.provide(SystemdSim.layer(systemd))
  )

let pid = 100
hostCgroupsContract(
  "systemd's driver, on groups that are no slices",
  Layer.merge(
    under(new HostFilesMemory.MemoryHost(), SystemdSim.makeHandle()),
    Layer.succeed(CgroupGround, CgroupGround.of({ parent: "/kubeffect", spawn: Effect.sync(() => pid++) }))
  )
)

describe("L1: the systemd driver", () => {
  const pod = "/kubepods.slice/kubepods-podabc.slice"
  const unit = "kubepods-podabc.slice"

  it.effect("L1, L2: a pod's group is a transient slice with its limits, in the kernel's files as well", () => {
    const host = new HostFilesMemory.MemoryHost()
    const systemd = SystemdSim.makeHandle()
    return Effect.gen(function*() {
      const cgroups = yield* Cgroups
      yield* cgroups.create(pod, { cpuShares: 1024, memoryLimitBytes: 1 << 20, pidsMax: 50 })
      const values = systemd.units.get(unit)
      assert.deepStrictEqual(values?.get("Wants"), ["kubepods.slice"])
      assert.deepStrictEqual(["CPUWeight", "MemoryMax", "TasksMax"].map((name) => values?.get(name)), [
        39n,
        1_048_576n,
        50n
      ])
      assert.strictEqual(host.readText(`${fakeTree.root}${pod}/pids.max`), "50")

      yield* cgroups.create(pod, { pidsMax: 60 })
      yield* cgroups.apply(pod, { memoryLimitBytes: -1 })
      assert.strictEqual(values?.get("TasksMax"), 60n)
      assert.strictEqual(host.readText(`${fakeTree.root}${pod}/memory.max`), "max")
      assert.deepStrictEqual(systemd.calls, [
        `StartTransientUnit ${unit}`,
        `SetUnitProperties ${unit}`,
        `SetUnitProperties ${unit}`
      ])
    }).pipe(Effect.provide(under(host, systemd)))
  })

  it.effect("L16: its end is the end of its processes, then of the unit, then of what is left in the tree", () => {
    const host = new HostFilesMemory.MemoryHost()
    const systemd = SystemdSim.makeHandle()
    return Effect.gen(function*() {
      const cgroups = yield* Cgroups
      yield* cgroups.create(pod)
      yield* cgroups.enter(pod, 7)
      yield* cgroups.destroy(pod)
      assert.isFalse(systemd.units.has(unit))
      assert.isFalse(yield* cgroups.exists(pod))
      yield* cgroups.destroy(pod)
    }).pipe(Effect.provide(under(host, systemd)))
  })

  it.effect("L1: a unit that systemd forgot is made again", () => {
    const systemd = SystemdSim.makeHandle()
    return Effect.gen(function*() {
      const cgroups = yield* Cgroups
      yield* cgroups.create(pod, { pidsMax: 1 })
      systemd.units.clear()
      yield* cgroups.create(pod, { pidsMax: 2 })
      assert.strictEqual(systemd.units.get(unit)?.get("TasksMax"), 2n)
    }).pipe(Effect.provide(under(new HostFilesMemory.MemoryHost(), systemd)))
  })
})
