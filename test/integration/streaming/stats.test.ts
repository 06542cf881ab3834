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
import { gone, scrape, type Series, valueOf } from "../../fixture/stats/scrape.ts"
import { readSummary } from "../../fixture/stats/summarySchema.ts"
import { ask, model, pod, start } from "../../layers/streaming/fixture.ts"
import * as CriHost from "../cri/CriHost.ts"

const machine = Layer.mergeAll(CgroupsLive.layer(), NodeFactsLive.layer({ rootDirectory: "/" })).pipe(
  Layer.provide(ProcessesLive.layer),
  Layer.provide(HostFilesLive.layer)
)

/** A node with one pod that uses about a tenth of a core, and memory beside which a short process is nothing. */
const node = Effect.gen(function*() {
  const cri = yield* Cri
  const { cgroup } = yield* CriContractHost
  const inside = yield* sandbox()
  const containerId = yield* started(inside, {
    script: "dd if=/dev/zero of=/layer bs=1M count=3; dd if=/dev/zero of=/dev/shm/held bs=1M count=40; "
      + "while true; do i=0; while [ $i -lt 20000 ]; do i=$((i+1)); done; sleep 0.2; done"
  })
  const uid = inside.config.metadata.uid
  const group = `${cgroup}/${inside.config.metadata.name}`
  const a = { ...pod("a"), metadata: { name: "a", namespace: "ns", uid } }
  // As a new agent would: nothing is known of what was read before.
  const again = start({
    model: model([a], {
      podCgroup: () => Option.some(group),
      systemGroups: Effect.succeed([{ name: "pods", cgroup }]),
      capacity: Effect.succeed({ cpus: 2, memoryBytes: 8 * 1024 ** 3 })
    }),
    cri,
    machine,
    options: { rootDir: "/" }
  })
  const ports = yield* again
  return { ports, again, port: ports.main, group: `${group}/${containerId}`, containerId }
})

/** Nothing compares well with what is not there. */
const known = (value: number | undefined): number => value ?? Number.NaN

const within = (actual: number, low: number, high: number, what: string) => {
  assert.isAtLeast(actual, low * 0.99, what)
  assert.isAtMost(actual, high * 1.01, what)
}

layer(CriHost.layer, { excludeTestServices: true, timeout: "120 seconds" })("statistics on containerd", (it) => {
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
      const summary = readSummary(body)
      const container = summary.pods[0]?.containers[0]
      assert.isDefined(container)
      const used = known(container.cpu?.usageCoreNanoSeconds)
      within(used, before.cpu.usageNs, after.cpu.usageNs, "processor")
      const sets = [before.memory.workingSetBytes, after.memory.workingSetBytes]
      within(known(container.memory?.workingSetBytes), Math.min(...sets), Math.max(...sets), "memory")
      assert.isAbove(known(container.cpu?.usageNanoCores), 1_000_000)
      assert.isBelow(known(container.cpu?.usageNanoCores), 2_000_000_000)
      // The runtime measures layers every ten seconds.
      const layerBytes = Effect.map(
        ask(port, "/stats/summary"),
        ({ body }) => readSummary(body).pods[0]?.containers[0]?.rootfs?.usedBytes ?? 0
      )
      yield* Effect.repeat(layerBytes, { schedule: Schedule.spaced("500 millis"), until: (bytes) => bytes > 3_000_000 })
      assert.isAtLeast(known(summary.pods[0]?.cpu?.usageCoreNanoSeconds), used)
      assert.strictEqual(summary.pods[0]?.network?.name, "eth0")
      assert.isAbove(known(summary.node.cpu?.usageCoreNanoSeconds), 0)
      assert.isAbove(known(summary.node.fs?.capacityBytes), 0)
    }), 60_000)

  it.effect(
    "O7: a scraper reads every endpoint, they tell the same, and no counter goes back over a restart",
    () =>
      Effect.gen(function*() {
        const { again, containerId, group, port } = yield* node
        const cgroups = yield* Effect.provide(Cgroups, machine)
        const endpoints = ["/metrics", "/metrics/resource", "/metrics/cadvisor", "/metrics/probes", "/metrics/slis"]
        yield* ask(port, "/healthz")
        // Its memory is filled.
        yield* Effect.repeat(Effect.map(cgroups.stats(group), ({ memory }) => memory.workingSetBytes), {
          schedule: Schedule.spaced("50 millis"),
          until: (bytes) => bytes > 40 * 1024 ** 2
        })
        const scrapeAll = (at: number) =>
          Effect.map(
            Effect.forEach(endpoints, (path) => ask(at, path)),
            (replies) => replies.map(({ body }) => scrape(body))
          )
        const first = yield* scrapeAll(port)
        const before = yield* cgroups.stats(group)
        const [, resource = [], cadvisor = []] = yield* scrapeAll(port)
        const after = yield* cgroups.stats(group)
        const one = valueOf(resource, "container_cpu_usage_seconds_total", { pod: "a" })
        const other = valueOf(cadvisor, "container_cpu_usage_seconds_total", { name: containerId })
        within(one, before.cpu.usageNs / 1e9, after.cpu.usageNs / 1e9, "processor, by resource")
        within(other, before.cpu.usageNs / 1e9, after.cpu.usageNs / 1e9, "processor, by cadvisor")
        const sets = [before.memory.workingSetBytes, after.memory.workingSetBytes]
        const set = valueOf(cadvisor, "container_memory_working_set_bytes", { name: containerId })
        within(set, Math.min(...sets), Math.max(...sets), "memory, by cadvisor")

        const second = yield* scrapeAll((yield* again).main)
        // Interfaces of the machine come and go with the pods of others.
        const lasting = (all: ReadonlyArray<Series> = []) =>
          all.filter(({ labels }) => labels["id"] !== "/" || (labels["interface"] ?? "lo") === "lo")
        for (const index of [1, 2]) assert.deepStrictEqual(gone(lasting(first[index]), second[index] ?? []), [])
      }),
    60_000
  )
})
