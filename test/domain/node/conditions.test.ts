import { assert, describe, it } from "@effect/vitest"
import { conditionEvents, nodeConditions } from "../../../src/domain/node/conditions.ts"
import { heldPressure, neverSeen, pressureOf } from "../../../src/domain/node/pressure.ts"

const calm = { memory: false, disk: false, pid: false }
const at = (seconds: number) => `2026-01-01T00:00:${String(seconds).padStart(2, "0")}Z`
const ready = nodeConditions([], { now: at(1), pressure: calm, problems: [] })

describe("B5: node conditions", () => {
  it("pressure conditions come first, Ready last, with the kubelet's reasons", () => {
    assert.deepStrictEqual(ready.map(({ type, status, reason }) => [type, status, reason]), [
      ["MemoryPressure", "False", "KubeletHasSufficientMemory"],
      ["DiskPressure", "False", "KubeletHasNoDiskPressure"],
      ["PIDPressure", "False", "KubeletHasSufficientPID"],
      ["Ready", "True", "KubeletReady"]
    ])
    assert.strictEqual(ready[3]?.message, "kubelet is posting ready status")
  })

  it("a heartbeat moves the heartbeat time and leaves the transition time", () => {
    const later = nodeConditions(ready, { now: at(9), pressure: calm, problems: [] })
    assert.deepStrictEqual(
      later.map((condition) => condition.lastTransitionTime),
      Array.from({ length: 4 }, () => at(1))
    )
    assert.deepStrictEqual(
      later.map((condition) => condition.lastHeartbeatTime),
      Array.from({ length: 4 }, () => at(9))
    )
  })

  it("several problems are joined in brackets", () => {
    const notReady = nodeConditions(ready, { now: at(9), pressure: calm, problems: ["one", "two"] })
    assert.deepStrictEqual(
      notReady.find(({ type }) => type === "Ready"),
      {
        type: "Ready",
        status: "False",
        reason: "KubeletNotReady",
        message: "[one, two]",
        lastHeartbeatTime: at(9),
        lastTransitionTime: at(9)
      }
    )
  })

  it("conditions of others are kept", () => {
    const foreign = { type: "NetworkUnavailable", status: "False" }
    const all = nodeConditions([foreign, ...ready], { now: at(9), pressure: calm, problems: [] })
    assert.deepStrictEqual(all[0], foreign)
  })

  it("B12: only conditions that changed give events", () => {
    const notReady = nodeConditions(ready, { now: at(9), pressure: { ...calm, disk: true }, problems: ["down"] })
    assert.deepStrictEqual(conditionEvents("n1", ready, notReady).map(({ message }) => message), [
      "Node n1 status is now: NodeHasDiskPressure",
      "Node n1 status is now: NodeNotReady"
    ])
    assert.deepStrictEqual(conditionEvents("n1", ready, ready), [])
  })
})

describe("M1: pressure", () => {
  const idle = {
    memoryTotalBytes: 1000,
    memoryAvailableBytes: 500,
    rootFs: { totalBytes: 1000, availableBytes: 500, inodes: 100, inodesFree: 50 },
    maxPids: 100,
    runningPids: 10
  }
  const thresholds = {
    "memory.available": "100",
    "nodefs.available": "10%",
    "nodefs.inodesFree": "5%",
    "pid.available": "20"
  }
  it.each([
    { load: idle, want: calm, why: "nothing is short" },
    { load: { ...idle, memoryAvailableBytes: 99 }, want: { ...calm, memory: true }, why: "below an amount" },
    {
      load: { ...idle, rootFs: { ...idle.rootFs, availableBytes: 99 } },
      want: { ...calm, disk: true },
      why: "below a share"
    },
    {
      load: { ...idle, rootFs: { ...idle.rootFs, inodes: 0, inodesFree: 0 } },
      want: calm,
      why: "a file system without a fixed number of inodes has no inode pressure"
    },
    { load: { ...idle, runningPids: 90 }, want: { ...calm, pid: true }, why: "too few process ids" }
  ])("$why", ({ load, want }) => assert.deepStrictEqual(pressureOf(load, thresholds), want))

  it("M2: pressure is held for the transition period after it went", () => {
    const first = heldPressure(neverSeen, { ...calm, disk: true }, 1000, 300)
    const soon = heldPressure(first.seen, calm, 1200, 300)
    const late = heldPressure(soon.seen, calm, 1300, 300)
    assert.deepStrictEqual([first.pressure.disk, soon.pressure.disk, late.pressure.disk], [true, true, false])
  })
})
