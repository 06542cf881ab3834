import { assert, describe, it } from "@effect/vitest"
import { cadvisorFamilies } from "../../../src/domain/stats/cadvisorMetrics.ts"
import { renderFamilies } from "../../../src/domain/stats/exposition.ts"
import { parseNetDev } from "../../../src/domain/stats/netDev.ts"
import { type PodReading, rateOf, type StatsReading, type Usage } from "../../../src/domain/stats/readings.ts"
import { resourceFamilies } from "../../../src/domain/stats/resourceMetrics.ts"
import { summaryOf } from "../../../src/domain/stats/summary.ts"

const atMs = Date.parse("2026-01-02T03:04:05.678Z")

const usage: Usage = {
  atMs,
  cpu: { usageNs: 2_500_000_000, nanoCores: 1000, userNs: 1e9, throttledNs: 5e8 },
  memory: { usageBytes: 300, workingSetBytes: 200, rssBytes: 100, limitBytes: 1000, oomKills: 2 },
  swap: { usageBytes: 7, limitBytes: 10 },
  io: { devices: [{ device: "8:0", readBytes: 1, writeBytes: 2, reads: 3, writes: 4 }] },
  processes: 3
}
const pod: PodReading = {
  name: "p",
  namespace: "ns",
  uid: "u",
  startedAtMs: atMs - 60_000,
  cgroup: "/kubepods/podu",
  sandboxId: "s",
  usage,
  network: { atMs, main: "eth0", interfaces: [{ name: "eth0", rxBytes: 1, rxErrors: 2, txBytes: 3, txErrors: 4 }] },
  containers: [{
    name: "c",
    id: "id",
    image: "img",
    startedAtMs: atMs - 30_000,
    cgroup: "/kubepods/podu/id",
    usage,
    rootfs: { atMs, usedBytes: 10, inodesUsed: 1 }
  }],
  volumes: [{ name: "data", atMs, usedBytes: 5, claim: { name: "pvc", namespace: "ns" } }],
  ephemeral: { atMs, usedBytes: 10 }
}
const reading: StatsReading = {
  node: {
    name: "n",
    atMs,
    bootedAtMs: 0,
    cpus: 2,
    memoryBytes: 5000,
    usage: { ...usage, memory: { workingSetBytes: 200 } },
    system: [{ name: "pods", cgroup: "/kubepods", usage }],
    rootFs: { atMs, capacityBytes: 100, availableBytes: 40, usedBytes: 60, inodes: 10, inodesFree: 5, inodesUsed: 5 },
    imageFs: { atMs, capacityBytes: 100, availableBytes: 40, usedBytes: 20 },
    processes: { max: 100, running: 9 }
  },
  pods: [pod]
}
// What a JSON reader sees.
const json = (value: unknown) => JSON.parse(JSON.stringify(value)) as Record<string, never>

describe("/stats/summary", () => {
  it("O6: has the fields that metrics-server and the kubelet's clients read", () => {
    const { node, pods } = json(summaryOf(reading, false)) as Record<string, unknown>
    const time = "2026-01-02T03:04:05Z"
    assert.deepInclude(node as object, {
      nodeName: "n",
      startTime: "1970-01-01T00:00:00Z",
      cpu: { time, usageNanoCores: 1000, usageCoreNanoSeconds: 2_500_000_000 },
      memory: { time, availableBytes: 4800, workingSetBytes: 200 },
      fs: {
        time,
        availableBytes: 40,
        capacityBytes: 100,
        usedBytes: 60,
        inodesFree: 5,
        inodes: 10,
        inodesUsed: 5
      },
      rlimit: { time, maxpid: 100, curproc: 9 },
      swap: { time, swapAvailableBytes: 3, swapUsageBytes: 7 }
    })
    assert.deepStrictEqual(pods, [{
      podRef: { name: "p", namespace: "ns", uid: "u" },
      startTime: "2026-01-02T03:03:05Z",
      containers: [{
        name: "c",
        startTime: "2026-01-02T03:03:35Z",
        cpu: { time, usageNanoCores: 1000, usageCoreNanoSeconds: 2_500_000_000 },
        memory: { time, availableBytes: 800, usageBytes: 300, workingSetBytes: 200, rssBytes: 100 },
        rootfs: { time, availableBytes: 40, capacityBytes: 100, usedBytes: 10, inodesUsed: 1 },
        swap: { time, swapAvailableBytes: 3, swapUsageBytes: 7 }
      }],
      cpu: { time, usageNanoCores: 1000, usageCoreNanoSeconds: 2_500_000_000 },
      memory: { time, availableBytes: 800, usageBytes: 300, workingSetBytes: 200, rssBytes: 100 },
      network: {
        time,
        name: "eth0",
        rxBytes: 1,
        rxErrors: 2,
        txBytes: 3,
        txErrors: 4,
        interfaces: [{ name: "eth0", rxBytes: 1, rxErrors: 2, txBytes: 3, txErrors: 4 }]
      },
      volume: [{ time, usedBytes: 5, name: "data", pvcRef: { name: "pvc", namespace: "ns" } }],
      "ephemeral-storage": {
        time,
        availableBytes: 40,
        capacityBytes: 100,
        usedBytes: 10,
        inodesFree: 5,
        inodes: 10,
        inodesUsed: 5
      },
      process_stats: { process_count: 3 },
      swap: { time, swapAvailableBytes: 3, swapUsageBytes: 7 }
    }])
  })

  it("O6: the short form is processor and memory only", () => {
    const { node, pods } = json(summaryOf(reading, true)) as unknown as { node: object; pods: ReadonlyArray<object> }
    assert.sameMembers(Object.keys(node), ["nodeName", "systemContainers", "startTime", "cpu", "memory"])
    assert.sameMembers(Object.keys(pods[0] ?? {}), ["podRef", "startTime", "containers", "cpu", "memory"])
  })

  it("O6: of pods with one name the newest is shown", () => {
    const older = { ...pod, uid: "old", startedAtMs: 0 }
    for (const pods of [[pod, older], [older, pod]]) {
      const summary = json(summaryOf({ ...reading, pods }, true)) as unknown as {
        pods: ReadonlyArray<{ podRef: { uid: string } }>
      }
      assert.deepStrictEqual(summary.pods.map(({ podRef }) => podRef.uid), ["u"])
    }
  })
})

describe("/metrics/resource", () => {
  it("O7: has node, pods and containers, with the time of the reading", () => {
    const lines = renderFamilies(resourceFamilies(reading)).split("\n").filter((line) => !line.startsWith("#"))
    assert.deepStrictEqual(lines.filter((line) => line !== ""), [
      `container_cpu_usage_seconds_total{container="c",namespace="ns",pod="p"} 2.5 ${atMs}`,
      `container_memory_working_set_bytes{container="c",namespace="ns",pod="p"} 200 ${atMs}`,
      `container_start_time_seconds{container="c",namespace="ns",pod="p"} ${(atMs - 30_000) / 1000}`,
      `container_swap_limit_bytes{container="c",namespace="ns",pod="p"} 10 ${atMs}`,
      `container_swap_usage_bytes{container="c",namespace="ns",pod="p"} 7 ${atMs}`,
      `node_cpu_usage_seconds_total 2.5 ${atMs}`,
      `node_memory_working_set_bytes 200 ${atMs}`,
      `node_swap_usage_bytes 7 ${atMs}`,
      `pod_cpu_usage_seconds_total{namespace="ns",pod="p"} 2.5 ${atMs}`,
      `pod_memory_working_set_bytes{namespace="ns",pod="p"} 200 ${atMs}`,
      `pod_swap_usage_bytes{namespace="ns",pod="p"} 7 ${atMs}`,
      "resource_scrape_error 0"
    ])
    assert.include(renderFamilies(resourceFamilies(undefined)), "\nresource_scrape_error 1\n")
  })
})

describe("/metrics/cadvisor", () => {
  it("O7: has machine, groups, pods and containers under cAdvisor's labels", () => {
    const lines = renderFamilies(cadvisorFamilies(reading, { kubeletVersion: "v" })).split("\n")
    const of = (name: string) => lines.filter((line) => line.startsWith(`${name}{`) || line.startsWith(`${name} `))
    assert.deepStrictEqual(of("machine_cpu_cores"), ["machine_cpu_cores 2"])
    assert.deepStrictEqual(of("container_cpu_usage_seconds_total"), [
      `container_cpu_usage_seconds_total{container="",id="/",image="",name="",namespace="",pod="",cpu="total"} 2.5 ${atMs}`,
      `container_cpu_usage_seconds_total{container="",id="/kubepods",image="",name="",namespace="",pod="",cpu="total"} 2.5 ${atMs}`,
      `container_cpu_usage_seconds_total{container="",id="/kubepods/podu",image="",name="",namespace="ns",pod="p",cpu="total"} 2.5 ${atMs}`,
      `container_cpu_usage_seconds_total{container="c",id="/kubepods/podu/id",image="img",name="id",namespace="ns",pod="p",cpu="total"} 2.5 ${atMs}`
    ])
    assert.deepStrictEqual(of("container_network_receive_bytes_total"), [
      `container_network_receive_bytes_total{container="",id="/kubepods/podu",image="",name="s",namespace="ns",pod="p",interface="eth0"} 1 ${atMs}`
    ])
    assert.lengthOf(of("container_oom_events_total"), 3)
    assert.isEmpty(of("container_pressure_cpu_waiting_seconds_total"), "no pressure, no series")
  })
})

describe("rates and interfaces", () => {
  it.each(
    [
      { before: [0, 0], now: [1000, 500_000_000], want: 500_000_000, why: "half a core" },
      { before: [0, 100], now: [0, 200], want: undefined, why: "no time has passed" },
      { before: [0, 200], now: [1000, 100], want: undefined, why: "the group is another one" }
    ] as const
  )("$why", ({ before, now, want }) => {
    const point = ([atMs, usageNs]: readonly [number, number]) => ({ atMs, usageNs })
    assert.strictEqual(rateOf(point(before), point(now)), want)
  })

  it("reads /proc/net/dev, without what belongs to containers", () => {
    const text = "Inter-|   Receive\n face |bytes\n    lo: 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16\n"
      + "  eth0:1234 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16\nvethab: 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16\n"
    assert.deepStrictEqual(parseNetDev(text), [{ name: "eth0", rxBytes: 1234, rxErrors: 3, txBytes: 9, txErrors: 11 }])
  })
})
