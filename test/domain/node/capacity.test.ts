import { assert, describe, it } from "@effect/vitest"
import { allocatableOf, capacityOf, type MachineSize, type Reservations } from "../../../src/domain/node/capacity.ts"

const machine: MachineSize = {
  cpuCount: 2,
  memoryTotalBytes: 24_617_352 * 1024,
  rootFs: { totalBytes: 264_212_084 * 1024 },
  hugePages: [{ sizeBytes: 2 << 20, total: 0 }, { sizeBytes: 1 << 30, total: 0 }]
}
const nothingReserved: Reservations = {
  maxPods: 110,
  podsPerCore: 0,
  kubeReserved: {},
  systemReserved: {},
  evictionHard: { "memory.available": "100Mi", "nodefs.available": "10%" }
}

describe("B7: capacity and allocatable", () => {
  it("capacity is what the machine has, in the kubelet's units", () => {
    assert.deepStrictEqual(capacityOf(machine, nothingReserved), {
      cpu: "2",
      "ephemeral-storage": "264212084Ki",
      "hugepages-1Gi": "0",
      "hugepages-2Mi": "0",
      memory: "24617352Ki",
      pods: "110"
    })
  })

  it("hard eviction thresholds are not allocatable: 100Mi of memory, a tenth of the disk", () => {
    const allocatable = allocatableOf(machine, nothingReserved)
    assert.strictEqual(allocatable["memory"], `${24_617_352 - 100 * 1024}Ki`)
    assert.strictEqual(allocatable["ephemeral-storage"], `${264_212_084 * 1024 - Math.floor(264_212_084 * 1024 / 10)}`)
  })

  const rows: ReadonlyArray<{ change: Partial<Reservations>; name: string; want: string; why: string }> = [
    { change: { podsPerCore: 10 }, name: "pods", want: "20", why: "pods per core is the smaller limit" },
    { change: { podsPerCore: 100 }, name: "pods", want: "110", why: "maxPods is the smaller limit" },
    { change: { kubeReserved: { cpu: "300m" } }, name: "cpu", want: "1700m", why: "reserved milli-CPUs are taken off" },
    {
      change: { systemReserved: { cpu: "5" } },
      name: "cpu",
      want: "0",
      why: "reserving more than there is leaves none"
    },
    {
      change: { kubeReserved: { memory: "1Gi" }, systemReserved: { memory: "1Gi" }, evictionHard: {} },
      name: "memory",
      want: `${24_617_352 - 2 * 1024 * 1024}Ki`,
      why: "both reservations are taken off"
    }
  ]
  it.each(rows)("$why", ({ change, name, want }) => {
    assert.strictEqual(allocatableOf(machine, { ...nothingReserved, ...change })[name], want)
  })

  it("memory set aside as huge pages is not allocatable as memory", () => {
    const huge = { ...machine, hugePages: [{ sizeBytes: 2 << 20, total: 512 }] }
    const allocatable = allocatableOf(huge, { ...nothingReserved, evictionHard: {} })
    assert.strictEqual(allocatable["memory"], `${24_617_352 - 1024 * 1024}Ki`)
    assert.strictEqual(allocatable["hugepages-2Mi"], "1048576Ki")
  })
})
