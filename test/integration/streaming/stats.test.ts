/** Statistics of real containers: what the endpoints say is what the control groups have. */
import { assert, layer } from "@effect/vitest"
import { Effect, Layer, Option, Schedule } from "effect"
import { Cri } from "../../../src/layers/cri/Cri.ts"
import { Cgroups } from "../../../src/layers/host/Cgroups.ts"
import * as CgroupsLive from "../../../src/layers/host/CgroupsLive.ts"
import * as HostFilesLive from "../../../src/layers/host/HostFilesLive.ts"
import * as NodeFactsLive from "../../../src/layers/host/NodeFactsLive.ts"
import * as ProcessesLive from "../../../src/layers/host/ProcessesLive.ts"
import { CriContractHost, sandbox, started } from "../../contract/cri/scenario.ts"
import { ask, model, pod, start } from "../../layers/streaming/fixture.ts"
import * as CriHost from "../cri/CriHost.ts"

interface Group {
  readonly cpu: { readonly usageCoreNanoSeconds: number; readonly usageNanoCores: number }
  readonly memory: { readonly workingSetBytes: number }
}
interface Summary {
  readonly node: Group & { readonly fs: { readonly capacityBytes: number } }
  readonly pods: ReadonlyArray<
    Group & {
      readonly containers: ReadonlyArray<
        Group & { readonly name: string; readonly rootfs: { readonly usedBytes: number } }
      >
      readonly network: { readonly name: string; readonly rxBytes: number }
    }
  >
}

const machine = Layer.mergeAll(CgroupsLive.layer(), NodeFactsLive.layer({ rootDirectory: "/" })).pipe(
  Layer.provide(ProcessesLive.layer),
  Layer.provide(HostFilesLive.layer)
)

/** A node with one pod that uses about a tenth of a core. */
const node = Effect.gen(function*() {
  const cri = yield* Cri
  const { cgroup } = yield* CriContractHost
  const inside = yield* sandbox()
  const containerId = yield* started(inside, {
    script: "dd if=/dev/zero of=/layer bs=1M count=3; while true; do i=0; while [ $i -lt 20000 ]; do i=$((i+1)); done; "
      + "sleep 0.2; done"
  })
  const uid = inside.config.metadata.uid
  const group = `${cgroup}/${inside.config.metadata.name}`
  const a = { ...pod("a"), metadata: { name: "a", namespace: "ns", uid } }
  const ports = yield* start({
    model: model([a], {
      podCgroup: () => Option.some(group),
      systemGroups: Effect.succeed([{ name: "pods", cgroup }]),
      capacity: Effect.succeed({ cpus: 2, memoryBytes: 8 * 1024 ** 3 })
    }),
    cri,
    machine,
    options: { rootDir: "/" }
  })
  return { port: ports.main, group: `${group}/${containerId}`, containerId }
})

const within = (actual: number, low: number, high: number, what: string) => {
  assert.isAtLeast(actual, low * 0.99, what)
  assert.isAtMost(actual, high * 1.01, what)
}

layer(CriHost.layer, { excludeTestServices: true, timeout: "60 seconds" })("statistics on containerd", (it) => {
  it.effect("O6: the summary agrees with the control groups", () =>
    Effect.gen(function*() {
      const { group, port } = yield* node
      const cgroups = yield* Effect.provide(Cgroups, machine)
      yield* ask(port, "/stats/summary")
      yield* Effect.sleep(1500)
      const before = yield* cgroups.stats(group)
      const { body, status } = yield* ask(port, "/stats/summary")
      const after = yield* cgroups.stats(group)
      assert.strictEqual(status, 200)
      const summary = JSON.parse(body) as Summary
      const container = summary.pods[0]?.containers[0]
      assert.isDefined(container)
      within(container.cpu.usageCoreNanoSeconds, before.cpu.usageNs, after.cpu.usageNs, "processor")
      const sets = [before.memory.workingSetBytes, after.memory.workingSetBytes]
      within(container.memory.workingSetBytes, Math.min(...sets), Math.max(...sets), "memory")
      assert.isAbove(container.cpu.usageNanoCores, 1_000_000)
      assert.isBelow(container.cpu.usageNanoCores, 2_000_000_000)
      // The runtime measures layers every ten seconds.
      const layerBytes = Effect.map(ask(port, "/stats/summary"), ({ body }) =>
        (JSON.parse(body) as Summary).pods[0]?.containers[0]?.rootfs.usedBytes ?? 0)
      yield* Effect.repeat(layerBytes, {
        schedule: Schedule.spaced("500 millis"),
        until: (used) =>
          used > 3_000_000
      })
      assert.isAtLeast(summary.pods[0]?.cpu.usageCoreNanoSeconds ?? 0, container.cpu.usageCoreNanoSeconds)
      assert.strictEqual(summary.pods[0]?.network.name, "eth0")
      assert.isAbove(summary.node.cpu.usageCoreNanoSeconds, 0)
      assert.isAbove(summary.node.fs.capacityBytes, 0)
    }), 60_000)

  it.effect("O7: the metrics tell the same, and their counters only grow", () =>
    Effect.gen(function*() {
      const { containerId, port } = yield* node
      const value = (body: string, start: string, part: string) =>
        Number(
          body.split("\n").find((line) => line.startsWith(start) && line.includes(part))?.split("} ")[1]?.split(" ")[0]
        )
      let last = 0
      for (let i = 0; i < 3; i++) {
        const resource = yield* ask(port, "/metrics/resource")
        const cadvisor = yield* ask(port, "/metrics/cadvisor")
        const one = value(resource.body, "container_cpu_usage_seconds_total{", `pod="a"`)
        const other = value(cadvisor.body, "container_cpu_usage_seconds_total{", `name="${containerId}"`)
        assert.isAtLeast(one, last)
        assert.isAtLeast(other, one)
        last = other
      }
      assert.isAbove(last, 0)
    }), 60_000)
})
