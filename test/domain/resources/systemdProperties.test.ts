import { assert, describe, it } from "@effect/vitest"
import { cgroupPath, podCgroup } from "../../../src/domain/resources/cgroupNames.ts"
import {
  bitsOf,
  limitProperties,
  parentSlice,
  sliceOfPath,
  sliceProperties
} from "../../../src/domain/resources/systemdProperties.ts"

const v2 = { cgroupV2: true, version: 252 }
const v1 = { cgroupV2: false, version: 252 }
const infinity = 2n ** 64n - 1n
const named = (properties: ReturnType<typeof limitProperties>) =>
  Object.fromEntries(properties.map(({ name, value }) => [name, value]))

describe("L1: slices", () => {
  it.each([
    { path: "/kubepods.slice", want: "kubepods.slice" },
    { path: "/kubepods.slice/kubepods-burstable.slice", want: "kubepods-burstable.slice" },
    { path: "/kubepods", want: undefined },
    { path: "/kubepods.slice/other-burstable.slice", want: undefined },
    { path: "/kubepods.slice/kubepods-a.scope", want: undefined },
    { path: "/kubepods--a.slice", want: undefined },
    { path: "/", want: undefined }
  ])("$path is $want", ({ path, want }) => assert.strictEqual(sliceOfPath(path), want))

  it("every group the agent names for the systemd driver is a slice in the slice of its parent", () => {
    const naming = { driver: "systemd", root: "/my-nodes", perQos: true } as const
    const path = podCgroup(naming, "Burstable", "3f2a-11")
    assert.strictEqual(
      path,
      "/my_nodes.slice/my_nodes-kubepods.slice/my_nodes-kubepods-burstable.slice/" +
        "my_nodes-kubepods-burstable-pod3f2a_11.slice"
    )
    const unit = sliceOfPath(path) ?? assert.fail("no slice")
    assert.strictEqual(parentSlice(unit), "my_nodes-kubepods-burstable.slice")
    assert.strictEqual(parentSlice("kubepods.slice"), "-.slice")
    assert.strictEqual(sliceOfPath(cgroupPath("systemd", ["a", "b"])), "a-b.slice")
  })

  it("a new one is wanted by its parent, counts what it uses, and does not go before the pods do", () => {
    assert.deepStrictEqual(named(sliceProperties("kubepods-pod1.slice", v2)), {
      Description: "pods: kubepods-pod1.slice",
      Wants: ["kubepods.slice"],
      MemoryAccounting: true,
      CPUAccounting: true,
      IOAccounting: true,
      TasksAccounting: true,
      DefaultDependencies: false
    })
    assert.containsAllKeys(named(sliceProperties("a.slice", v1)), ["BlockIOAccounting"])
  })
})

describe("L2, L3, L6: limits as properties", () => {
  it.each([
    {
      limits: { cpuShares: 1024 },
      kind: v2,
      want: { CPUWeight: 39n },
      why: "shares are a weight on v2"
    },
    { limits: { cpuShares: 1024 }, kind: v1, want: { CPUShares: 1024n }, why: "and shares on v1" },
    {
      limits: { cpuQuotaUs: 50_000, cpuPeriodUs: 100_000 },
      kind: v2,
      want: { CPUQuotaPeriodUSec: 100_000n, CPUQuotaPerSecUSec: 500_000n },
      why: "half a CPU"
    },
    {
      limits: { cpuQuotaUs: 12_345, cpuPeriodUs: 100_000 },
      kind: v2,
      want: { CPUQuotaPeriodUSec: 100_000n, CPUQuotaPerSecUSec: 130_000n },
      why: "rounded up to a whole percent, so that a child's own limit fits"
    },
    {
      limits: { cpuQuotaUs: 50_000, cpuPeriodUs: 100_000 },
      kind: { cgroupV2: true, version: 241 },
      want: { CPUQuotaPerSecUSec: 500_000n },
      why: "old systemd has no period"
    },
    {
      limits: { cpuQuotaUs: -1, memoryLimitBytes: -1, pidsMax: -1 },
      kind: v2,
      want: { CPUQuotaPerSecUSec: infinity, MemoryMax: infinity, TasksMax: infinity },
      why: "no limit"
    },
    {
      limits: { memoryLimitBytes: 1024, memoryMinBytes: 1, memoryHighBytes: 2, memorySwapMaxBytes: 0, pidsMax: 9 },
      kind: v2,
      want: { MemoryMax: 1024n, MemoryMin: 1n, MemoryHigh: 2n, MemorySwapMax: 0n, TasksMax: 9n },
      why: "memory and pids on v2"
    },
    {
      limits: { memoryLimitBytes: 1024, memoryMinBytes: 1, pidsMax: 9, cpusetCpus: "0" },
      kind: v1,
      want: { MemoryLimit: 1024n, TasksMax: 9n },
      why: "v1 has no more"
    },
    {
      limits: { hugePageLimitBytes: { "2MB": 0 } },
      kind: v2,
      want: {},
      why: "systemd has no word for huge pages"
    }
  ])("$why", ({ kind, limits, want }) => assert.deepStrictEqual(named(limitProperties(limits, kind)), want))

  it.each([
    { list: "0", want: [1] },
    { list: "0-2,5", want: [0b100111] },
    { list: "8", want: [0, 1] }
  ])("the CPUs $list", ({ list, want }) => assert.deepStrictEqual([...bitsOf(list)], want))
})
