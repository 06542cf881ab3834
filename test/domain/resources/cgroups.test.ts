/** Control groups: names, values, and what the Go kubelet 1.36 wrote for the recorded pods. */
import { assert, describe, it } from "@effect/vitest"
import { Result } from "effect"
import * as fc from "fast-check"
import { decodePod } from "../../../src/domain/k8s/decode.ts"
import { defaultPod } from "../../../src/domain/k8s/podDefaults.ts"
import {
  type CgroupNaming,
  cgroupPath,
  defaultNaming,
  podCgroup,
  podsCgroup,
  podUidOfCgroup,
  qosCgroup
} from "../../../src/domain/resources/cgroupNames.ts"
import {
  defaultPodCgroupOptions,
  podCgroupLimits,
  qosCgroupLimits
} from "../../../src/domain/resources/cgroupValues.ts"
import {
  milliOfQuota,
  milliOfShares,
  quotaOfMilli,
  sharesOfMilli,
  weightOfShares
} from "../../../src/domain/resources/cpu.ts"
import { hugePageLimits, pageSizeOfResource } from "../../../src/domain/resources/hugePages.ts"
import { amountsOf } from "../../../src/domain/resources/resourceLists.ts"
import { readRecording, recordedCases } from "../../golden/recording.ts"
import { asking, podWith } from "./pods.ts"

describe("L1: names", () => {
  const systemd: CgroupNaming = { ...defaultNaming, driver: "systemd" }
  it.each([
    {
      got: podCgroup(defaultNaming, "Guaranteed", "a-b"),
      want: "/kubepods/poda-b",
      why: "guaranteed has no class group"
    },
    { got: podCgroup(defaultNaming, "BestEffort", "a-b"), want: "/kubepods/besteffort/poda-b", why: "cgroupfs" },
    {
      got: podCgroup(systemd, "Burstable", "a-b"),
      want: "/kubepods.slice/kubepods-burstable.slice/kubepods-burstable-poda_b.slice",
      why: "slices name their ancestors, dashes escaped"
    },
    {
      got: podCgroup({ ...defaultNaming, root: "/x/y" }, "BestEffort", "u"),
      want: "/x/y/kubepods/besteffort/podu",
      why: "below cgroupRoot"
    },
    {
      got: podCgroup({ ...defaultNaming, perQos: false }, "BestEffort", "u"),
      want: "/",
      why: "without groups per class"
    },
    { got: podsCgroup(systemd), want: "/kubepods.slice", why: "all pods" },
    { got: qosCgroup(defaultNaming, "Burstable"), want: "/kubepods/burstable", why: "a class" },
    { got: cgroupPath("systemd", []), want: "/", why: "the root" }
  ])("$want: $why", ({ got, want }) => assert.strictEqual(got, want))

  it("UIDs can be read back from names", () => {
    assert.strictEqual(podUidOfCgroup("cgroupfs", "poda-b"), "a-b")
    assert.strictEqual(podUidOfCgroup("systemd", "kubepods-burstable-poda_b.slice"), "a-b")
    assert.strictEqual(podUidOfCgroup("systemd", "kubepods-poda_b.slice"), "a-b")
    assert.isUndefined(podUidOfCgroup("cgroupfs", "burstable"))
    assert.isUndefined(podUidOfCgroup("systemd", "kubepods-burstable.slice"))
  })
})

describe("L2: CPU", () => {
  it.each([
    { milli: 0, shares: 2, quota: 0 },
    { milli: 1, shares: 2, quota: 1000 },
    { milli: 100, shares: 102, quota: 10_000 },
    { milli: 1000, shares: 1024, quota: 100_000 },
    { milli: 1_000_000, shares: 262_144, quota: 100_000_000 }
  ])("$milli m → $shares shares, quota $quota µs", ({ milli, shares, quota }) => {
    assert.deepStrictEqual([sharesOfMilli(milli), quotaOfMilli(milli)], [shares, quota])
  })

  it("weights span 1 to 10000", () => {
    assert.deepStrictEqual([2, 1024, 262_144].map(weightOfShares), [1, 39, 10_000])
  })

  it("more CPU never means fewer shares, a smaller quota or a lighter weight", () => {
    fc.assert(fc.property(fc.nat(2_000_000), fc.nat(10_000), (milli, more) => {
      assert.isAtLeast(sharesOfMilli(milli + more), sharesOfMilli(milli))
      assert.isAtLeast(quotaOfMilli(milli + more), quotaOfMilli(milli))
      assert.isAtLeast(weightOfShares(sharesOfMilli(milli + more)), weightOfShares(sharesOfMilli(milli)))
    }))
  })

  it("what the runtime reports reads back as what was asked, where it is exact", () => {
    assert.deepStrictEqual([
      milliOfShares(102),
      milliOfShares(2),
      milliOfQuota(25_000, 100_000),
      milliOfQuota(-1, 100_000)
    ], [
      100,
      0,
      250,
      0
    ])
  })
})

describe("L3, L4, L6, L8: values", () => {
  const options = { ...defaultPodCgroupOptions, hugePageSizes: ["2MB", "1GB"] }

  it("huge pages are limited for every size the host has", () => {
    const pod = podWith({ containers: [asking("a", {}, { "hugepages-2Mi": "4Mi", cpu: "1" })] })
    assert.deepStrictEqual(podCgroupLimits(pod, options).hugePageLimitBytes, { "2MB": 4 * 1024 * 1024, "1GB": 0 })
    assert.deepStrictEqual(["hugepages-2Mi", "hugepages-1Gi", "hugepages-64Ki"].map(pageSizeOfResource), [
      "2MB",
      "1GB",
      "64KB"
    ])
    assert.deepStrictEqual(hugePageLimits(amountsOf({ "hugepages-64Ki": "1Mi" }), ["2MB"]), [{
      pageSize: "2MB",
      limitBytes: 0
    }])
  })

  it("process ids are capped to what the kernel has", () => {
    assert.strictEqual(podCgroupLimits(podWith({}), { ...options, podPidsLimit: 100 }).pidsMax, 100)
    assert.strictEqual(podCgroupLimits(podWith({}), { ...options, podPidsLimit: 100, maxPids: 50 }).pidsMax, 50)
    assert.isUndefined(podCgroupLimits(podWith({}), options).pidsMax)
  })

  it("without CFS quota nothing is throttled", () => {
    const pod = podWith({ containers: [asking("a", {}, { cpu: "1", memory: "1Gi" })] })
    assert.strictEqual(podCgroupLimits(pod, { ...options, cpuCfsQuota: false }).cpuQuotaUs, -1)
  })

  it("L4: burstable weighs as much as its pods request, best-effort next to nothing", () => {
    const burstable = podWith({ containers: [asking("a", { cpu: "500m" })] })
    const guaranteed = podWith({ containers: [asking("a", { cpu: "1", memory: "1" }, { cpu: "1", memory: "1" })] })
    assert.deepStrictEqual(qosCgroupLimits([burstable, burstable, guaranteed, podWith({})], []), {
      burstable: { cpuShares: 1024 },
      bestEffort: { cpuShares: 2 }
    })
  })

  it("a larger limit never writes a smaller value", () => {
    fc.assert(fc.property(fc.integer({ min: 1, max: 10_000 }), fc.nat(10_000), (mebi, more) => {
      const limitOf = (size: number) =>
        podCgroupLimits(podWith({ containers: [asking("a", {}, { memory: `${size}Mi` })] })).memoryLimitBytes ?? 0
      assert.isAtLeast(limitOf(mebi + more), limitOf(mebi))
    }))
  })
})

describe("groups of recorded pods", () => {
  const recorded = recordedCases.map(readRecording).flatMap((recording) =>
    Object.entries(recording.cgroups ?? {})
      .filter(([path]) => path.endsWith("/pod<uid>"))
      .map(([path, values]) => ({ name: recording.case, recording, path, values }))
  )

  it.each(recorded)("L1–L4: $name", ({ recording, path, values }) => {
    const { manifest } = recording
    const metadata = { ...manifest.metadata, namespace: "default", uid: "<uid>" }
    const pod = Result.getOrThrow(decodePod(defaultPod({ ...manifest, metadata })))
    const limits = podCgroupLimits(pod)
    assert.strictEqual(podCgroup(defaultNaming, qosOfPath(path), "<uid>"), path)
    assert.deepStrictEqual({
      shares: `${limits.cpuShares}`,
      quota: `${limits.cpuQuotaUs ?? -1}`,
      memory: limits.memoryLimitBytes === undefined ? unlimitedMemory : `${limits.memoryLimitBytes}`
    }, {
      shares: values["cpu.shares"],
      quota: values["cpu.cfs_quota_us"],
      memory: values["memory.limit_in_bytes"]
    })
  })

  it("covers every class", () => {
    assert.deepStrictEqual([...new Set(recorded.map(({ path }) => qosOfPath(path)))].sort(), [
      "BestEffort",
      "Burstable",
      "Guaranteed"
    ])
  })
})

const unlimitedMemory = "9223372036854771712"

const qosOfPath = (path: string) =>
  path.includes("besteffort") ? "BestEffort" : path.includes("burstable") ? "Burstable" : "Guaranteed"
