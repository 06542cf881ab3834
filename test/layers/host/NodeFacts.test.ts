import { assert, describe, it } from "@effect/vitest"
import { Effect, Layer } from "effect"
import { hostname, totalmem } from "node:os"
import * as HostFilesLive from "../../../src/layers/host/HostFilesLive.ts"
import * as HostFilesMemory from "../../../src/layers/host/HostFilesMemory.ts"
import { parseRecord } from "../../../src/layers/host/KernelLogLive.ts"
import { NodeFacts } from "../../../src/layers/host/NodeFacts.ts"
import * as NodeFactsLive from "../../../src/layers/host/NodeFactsLive.ts"

const read = Effect.flatMap(NodeFacts, (facts) => facts.read)

const machine = () => {
  const host = new HostFilesMemory.MemoryHost()
  const file = (path: string, text: string) => {
    host.makeDirectories(path.slice(0, path.lastIndexOf("/")))
    host.write(path, text)
  }
  file("/proc/sys/kernel/hostname", "Node-A\n")
  file("/etc/machine-id", "abc\n")
  file("/etc/os-release", "NAME=\"Debian\"\nPRETTY_NAME=\"Debian GNU/Linux 12 (bookworm)\"\n")
  file("/proc/meminfo", "MemTotal:       16384 kB\nMemFree: 1 kB\nMemAvailable:    8192 kB\n")
  file("/proc/swaps", "Filename\tType\tSize\tUsed\tPriority\n/dev/sda2 partition 1024 512 -2\n")
  file(
    "/proc/net/route",
    [
      "Iface\tDestination\tGateway\tFlags\tRefCnt\tUse\tMetric\tMask\tMTU\tWindow\tIRTT",
      "eth1\t00000000\t010200C0\t0003\t0\t0\t100\t00000000\t0\t0\t0",
      "eth0\t00000000\t010200C0\t0003\t0\t0\t50\t00000000\t0\t0\t0",
      "eth0\t000200C0\t00000000\t0001\t0\t0\t0\t00FFFFFF\t0\t0\t0"
    ].join("\n")
  )
  file("/proc/uptime", "12.50 40.00\n")
  file("/proc/stat", "cpu 1\nbtime 1700000000\n")
  file("/proc/sys/kernel/pid_max", "4194304\n")
  file("/proc/sys/kernel/threads-max", "190000\n")
  file("/proc/loadavg", "0.00 0.01 0.05 2/345 6789\n")
  file("/sys/kernel/mm/hugepages/hugepages-2048kB/nr_hugepages", "8\n")
  file("/sys/kernel/mm/hugepages/hugepages-2048kB/free_hugepages", "6\n")
  return host
}

describe("NodeFacts: live", () => {
  it.effect("B7–B9: reads what the files of the machine say", () =>
    Effect.gen(function*() {
      const reading = yield* read
      assert.strictEqual(reading.hostname, "node-a")
      assert.strictEqual(reading.machineID, "abc")
      assert.strictEqual(reading.systemUUID, "abc", "without firmware the machine id stands in")
      assert.strictEqual(reading.osImage, "Debian GNU/Linux 12 (bookworm)")
      assert.strictEqual(reading.memoryTotalBytes, 16_777_216)
      assert.strictEqual(reading.memoryAvailableBytes, 8_388_608)
      assert.deepStrictEqual(reading.swaps, [{ name: "/dev/sda2", sizeBytes: 1_048_576, usedBytes: 524_288 }])
      assert.deepStrictEqual(reading.defaultRoutes.map((route) => route.interface), ["eth0", "eth1"])
      assert.strictEqual(reading.uptimeMs, 12_500)
      assert.strictEqual(reading.bootTimeMs, 1_700_000_000_000)
      assert.strictEqual(reading.maxPids, 190_000)
      assert.strictEqual(reading.runningPids, 345)
      assert.deepStrictEqual(reading.hugePages, [{ sizeBytes: 2_097_152, total: 8, free: 6 }])
      assert.isAbove(reading.rootFs.totalBytes, 0)
    }).pipe(
      Effect.provide(NodeFactsLive.layer({ rootDirectory: "/var/lib/kubelet" })),
      Effect.provide(HostFilesMemory.layer(machine()))
    ))

  it.effect("reads this machine", () =>
    Effect.gen(function*() {
      const reading = yield* read
      assert.strictEqual(reading.hostname, hostname().toLowerCase())
      assert.strictEqual(reading.memoryTotalBytes, totalmem())
      assert.isAbove(reading.cpuCount, 0)
      assert.isAbove(reading.bootTimeMs, 0)
      assert.isTrue(reading.addresses.some((one) => one.internal && one.address === "127.0.0.1"))
      assert.isAbove(reading.rootFs.totalBytes, 0)
    }).pipe(
      Effect.provide(
        NodeFactsLive.layer({ rootDirectory: "/var/lib/kubelet" }).pipe(Layer.provide(HostFilesLive.layer))
      )
    ))
})

describe("B14: kernel log", () => {
  it("reads a record with continuation lines", () =>
    assert.deepStrictEqual(parseRecord("6,339,5140900,-;NET: Registered\n SUBSYSTEM=net\n"), {
      sequence: 339,
      timestampUs: 5_140_900,
      text: "NET: Registered"
    }))
})
