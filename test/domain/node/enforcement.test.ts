import { assert, describe, it } from "@effect/vitest"
import * as fc from "fast-check"
import { configuredGroup, enforcementOf, podsLimits, reservationLimits } from "../../../src/domain/node/enforcement.ts"

describe("L7: what is enforced", () => {
  it.each([
    { chosen: ["pods"], want: { pods: true, system: undefined, kube: undefined } },
    { chosen: ["none"], want: { pods: false, system: undefined, kube: undefined } },
    {
      chosen: ["pods", "system-reserved", "kube-reserved-compressible"],
      want: { pods: true, system: "all", kube: "compressible" }
    }
  ])("$chosen", ({ chosen, want }) => assert.deepStrictEqual<unknown>(enforcementOf(chosen), want))

  it("a reservation limits what it names, a compressible one only CPU", () => {
    const reserved = { cpu: "500m", memory: "1Gi", pid: "1000", "ephemeral-storage": "1Gi" }
    assert.deepStrictEqual(reservationLimits(reserved, "all"), {
      cpuShares: 512,
      memoryLimitBytes: 2 ** 30,
      pidsMax: 1000
    })
    assert.deepStrictEqual(reservationLimits(reserved, "compressible"), { cpuShares: 512 })
    assert.deepStrictEqual(reservationLimits({ memory: "1Gi" }, "all"), { memoryLimitBytes: 2 ** 30 })
  })

  const node = { cpuCount: 4, memoryTotalBytes: 8 * 2 ** 30, maxPids: 30_000 }
  it("L4: all pods get what is not reserved; all there is when pods are not enforced", () => {
    const reserved = { kubeReserved: { cpu: "1", memory: "1Gi" }, systemReserved: { memory: "1Gi", pid: "1000" } }
    assert.deepStrictEqual(podsLimits(node, reserved, true), {
      cpuShares: 3072,
      memoryLimitBytes: 6 * 2 ** 30,
      pidsMax: 29_000
    })
    assert.deepStrictEqual(podsLimits(node, reserved, false), {
      cpuShares: 4096,
      memoryLimitBytes: 8 * 2 ** 30,
      pidsMax: 30_000
    })
  })

  it("no reservation makes a limit negative", () => {
    fc.assert(fc.property(fc.nat(100), fc.nat(100), (kube, system) => {
      const limits = podsLimits(node, {
        kubeReserved: { memory: `${kube}Gi` },
        systemReserved: { memory: `${system}Gi` }
      }, true)
      return (limits.memoryLimitBytes ?? -1) >= 0 && (limits.cpuShares ?? 0) >= 2
    }))
  })

  it.each(
    [
      { driver: "cgroupfs", name: "/system.slice/kubelet", want: "/system.slice/kubelet" },
      { driver: "cgroupfs", name: "system", want: "/system" },
      { driver: "systemd", name: "/system.slice", want: "/system.slice" },
      { driver: "systemd", name: "/runtime-kube.slice", want: "/runtime.slice/runtime-kube.slice" },
      { driver: "systemd", name: "/runtime.slice/runtime-kube.slice", want: "/runtime.slice/runtime-kube.slice" }
    ] as const
  )("$driver: the group $name is $want", ({ driver, name, want }) => {
    assert.strictEqual(configuredGroup(driver, name), want)
  })
})
