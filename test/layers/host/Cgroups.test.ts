import { assert, describe, it } from "@effect/vitest"
import { Effect, Layer } from "effect"
import { Cgroups } from "../../../src/layers/host/Cgroups.ts"
import * as CgroupsLive from "../../../src/layers/host/CgroupsLive.ts"
import * as CgroupsMemory from "../../../src/layers/host/CgroupsMemory.ts"
import * as HostFilesMemory from "../../../src/layers/host/HostFilesMemory.ts"
import { sharesToWeight, weightToShares } from "../../../src/layers/host/live/cgroupFiles.ts"
import * as ProcessesMemory from "../../../src/layers/host/ProcessesMemory.ts"
import { CgroupGround, hostCgroupsContract } from "../../contract/HostCgroupsContract.ts"
import * as fakeTree from "./fakeCgroupTree.ts"

let pid = 100
const ground = Layer.succeed(
  CgroupGround,
  CgroupGround.of({ parent: "/kubeffect", spawn: Effect.sync(() => pid++) })
)

const onTree = (host: HostFilesMemory.MemoryHost, files = fakeTree.layer(host)) =>
  CgroupsLive.layer().pipe(Layer.provide(Layer.merge(files, ProcessesMemory.layer())))

hostCgroupsContract("memory", Layer.merge(CgroupsMemory.layer(), ground))
hostCgroupsContract("live on a v2 tree", Layer.merge(onTree(new HostFilesMemory.MemoryHost()), ground))

describe("L2: shares and weight", () => {
  it.each([
    { shares: 2, weight: 1, why: "the least" },
    { shares: 1024, weight: 39, why: "one processor" },
    { shares: 262_144, weight: 10_000, why: "the most" },
    { shares: 1, weight: 1, why: "below the least" }
  ])("$shares shares weigh $weight: $why", ({ shares, weight }) => {
    assert.strictEqual(sharesToWeight(shares), weight)
    assert.strictEqual(sharesToWeight(weightToShares(weight)), weight)
  })
})

describe("Cgroups: live on a v2 tree", () => {
  it.effect("hands the controllers down and writes v2 files", () => {
    const host = new HostFilesMemory.MemoryHost()
    return Effect.gen(function*() {
      const cgroups = yield* Cgroups
      assert.strictEqual(yield* cgroups.mode, "v2")
      yield* cgroups.create("/kubepods/pod1", {
        cpuShares: 1024,
        cpuQuotaUs: 20_000,
        memoryMinBytes: 4096,
        memoryHighBytes: -1,
        memoryOomGroup: true,
        hugePageLimitBytes: { "2MB": 0 },
        unified: { "memory.high": "1000000" }
      })
      const read = (file: string) => host.readText(`${fakeTree.root}/kubepods/pod1/${file}`)
      assert.strictEqual(host.readText(`${fakeTree.root}/kubepods/cgroup.subtree_control`), "cpu memory pids")
      assert.strictEqual(read("cpu.weight"), "39")
      assert.strictEqual(read("cpu.max"), "20000 100000")
      assert.strictEqual(read("memory.min"), "4096")
      assert.strictEqual(read("memory.high"), "1000000")
      assert.strictEqual(read("memory.oom.group"), "1")
    }).pipe(Effect.provide(onTree(host)))
  })

  it.effect("reads statistics: working set is usage without inactive file cache; pressure where there is", () => {
    const host = new HostFilesMemory.MemoryHost()
    return Effect.gen(function*() {
      const cgroups = yield* Cgroups
      yield* cgroups.create("/p")
      const write = (file: string, text: string) => host.write(`${fakeTree.root}/p/${file}`, text)
      write("memory.current", "1000\n")
      write("memory.stat", "anon 300\nfile 700\ninactive_file 400\npgfault 7\npgmajfault 2\nfile_mapped 50\n")
      write(
        "cpu.stat",
        "usage_usec 5000\nuser_usec 3000\nsystem_usec 2000\nnr_periods 4\nnr_throttled 1\nthrottled_usec 9\n"
      )
      const stats = yield* cgroups.stats("/p")
      assert.strictEqual(stats.memory.workingSetBytes, 600)
      assert.strictEqual(stats.memory.rssBytes, 300)
      assert.strictEqual(stats.memory.limitBytes, undefined)
      assert.strictEqual(stats.cpu.usageNs, 5_000_000)
      assert.strictEqual(stats.cpu.throttledNs, 9_000)
      assert.strictEqual(stats.pressure, undefined)
    }).pipe(Effect.provide(onTree(host)))
  })
})

describe("Cgroups: live on a v1 tree", () => {
  const cpuset = "/sys/fs/cgroup/cpuset"

  it.effect.each([
    { cloning: true, want: 0, why: "the kernel hands processors down" },
    { cloning: false, want: 5, why: "a kernel that does not must be told for each group" }
  ])("a new group beside another has processors after $want calls: $why", ({ cloning, want }) => {
    const host = new HostFilesMemory.MemoryHost()
    const calls: Array<string> = []
    return Effect.gen(function*() {
      const cgroups = yield* Cgroups
      assert.strictEqual(yield* cgroups.mode, "v1")
      yield* cgroups.create("/kubepods/burstable/pod1")
      calls.length = 0
      yield* cgroups.create("/kubepods/burstable/pod2")
      const ofPod = calls.filter((path) => path.includes("pod2"))
      assert.strictEqual(ofPod.length, want)
      for (const group of ["", "/burstable", "/burstable/pod1", "/burstable/pod2"]) {
        assert.strictEqual(host.readText(`${cpuset}/kubepods${group}/cpuset.cpus`), "0-1\n")
        assert.strictEqual(host.readText(`${cpuset}/kubepods${group}/cpuset.mems`), "0\n")
      }
      if (cloning) assert.strictEqual(host.readText(`${cpuset}/cgroup.clone_children`), "0\n", "not ours")
    }).pipe(Effect.provide(onTree(host, fakeTree.cpusets(host, { cloning, calls }))))
  })

  it.effect("a group that is there without processors gets them", () => {
    const host = new HostFilesMemory.MemoryHost()
    return Effect.gen(function*() {
      const cgroups = yield* Cgroups
      yield* cgroups.create("/kubepods/pod1")
      host.write(`${cpuset}/kubepods/pod1/cpuset.cpus`, "\n")
      yield* cgroups.create("/kubepods/pod1")
      assert.strictEqual(host.readText(`${cpuset}/kubepods/pod1/cpuset.cpus`), "0-1\n")
    }).pipe(Effect.provide(onTree(host, fakeTree.cpusets(host, { cloning: true, calls: [] }))))
  })
})

describe("Cgroups: memory", () => {
  it.effect("a process that outlives SIGKILL keeps its group: EBUSY", () => {
    const handle = new CgroupsMemory.MemoryCgroups()
    handle.enter("/p", 7)
    handle.unkillable.add(7)
    return Effect.gen(function*() {
      const cgroups = yield* Cgroups
      assert.strictEqual((yield* Effect.flip(cgroups.destroy("/p"))).code, "EBUSY")
      handle.unkillable.clear()
      yield* cgroups.destroy("/p")
    }).pipe(Effect.provide(CgroupsMemory.layer(handle)))
  })
})
