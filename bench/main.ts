/**
 * How fast pods start and go, beside what the runtime takes by itself in the same run, and what the agent uses when
 * nothing happens. Needs root, containerd, runc and the CNI plugins.
 *
 *     npm run bench -- [pods one at a time, default 15] [pods at once, default 50] [seconds idle, default 30]
 */
import { NodeRuntime, NodeServices } from "@effect/platform-node"
import { Console, Effect } from "effect"
import { randomBytes } from "node:crypto"
import { tmpdir } from "node:os"
import { runtimeLayers } from "../src/cli/compose/runtimeLayers.ts"
import { demoImageName } from "../src/cli/up/demoImage.ts"
import { findMachine } from "../src/cli/up/machine.ts"
import { makePlace } from "../src/cli/up/place.ts"
import { startPrivateRuntime } from "../src/cli/up/privateRuntime.ts"
import { chooseRuntime, runtimeAnnouncement } from "../src/cli/up/runtimeChoice.ts"
import * as KubeApiMemory from "../src/layers/api/KubeApiMemory.ts"
import * as MemoryApi from "../src/layers/api/memory/MemoryApi.ts"
import { nodeName, startAgent, usageOf } from "./agentProcess.ts"
import { startBare, stopBare } from "./bareRuntime.ts"
import { makeWatcher } from "./clusterPods.ts"
import { percentile, timed } from "./measure.ts"

const [oneByOne = 15, atOnce = 50, idleSeconds = 30] = process.argv.slice(2).map(Number)

const names = (prefix: string, count: number) => Array.from({ length: count }, (_, i) => `${prefix}-${i}`)
const ms = (time: number) => `${time.toFixed(0)} ms`

const bare = Effect.fnUntraced(function*(place: { readonly logDirectory: string; readonly cgroup: string }) {
  const where = { ...place, image: demoImageName }
  yield* startBare("warm", where).pipe(Effect.flatMap(stopBare))
  const starts: Array<number> = []
  const stops: Array<number> = []
  for (const name of names("bare", oneByOne)) {
    const started = yield* timed(startBare(name, where))
    starts.push(started.ms)
    stops.push((yield* timed(stopBare(started.value))).ms)
  }
  const together = yield* timed(
    Effect.forEach(names("many", atOnce), (name) => startBare(name, where), { concurrency: 8 })
  )
  yield* Effect.forEach(together.value, stopBare, { concurrency: 8, discard: true })
  return { start: percentile(starts, 0.5), stop: percentile(stops, 0.5), together: together.ms }
})

const withAgent = Effect.gen(function*() {
  const { remove, start } = yield* makeWatcher
  yield* start("warm", demoImageName)
  yield* remove("warm")
  const starts: Array<number> = []
  const stops: Array<number> = []
  const kills: Array<number> = []
  for (const name of names("pod", oneByOne)) {
    starts.push((yield* timed(start(name, demoImageName))).ms)
    stops.push((yield* timed(remove(name))).ms)
  }
  for (const name of names("deaf", 3)) {
    yield* start(name, demoImageName, true)
    kills.push((yield* timed(remove(name))).ms)
  }
  const many = names("many", atOnce)
  const together = yield* timed(
    Effect.forEach(many, (name) => start(name, demoImageName), { concurrency: "unbounded", discard: true })
  )
  return { starts, stops, kills, together: together.ms, many, remove }
})

const idle = Effect.fnUntraced(function*(pid: number) {
  // What the starts left behind to be done is not idleness.
  yield* Effect.sleep("5 seconds")
  const before = usageOf(pid)
  yield* Effect.sleep(idleSeconds * 1000)
  const after = usageOf(pid)
  return { cores: (after.cpuMs - before.cpuMs) / (idleSeconds * 1000), rssMb: after.rssMb }
})

const bench = Effect.gen(function*() {
  const machine = yield* findMachine(process.env["PATH"] ?? "")
  const choice = chooseRuntime(machine, { endpoint: undefined, simulated: false })
  if (choice._tag !== "Private") return yield* Console.error(runtimeAnnouncement(choice).join("\n"))
  const place = yield* makePlace(tmpdir(), process.pid % 50_000)
  const { endpoint } = yield* startPrivateRuntime(choice, place)
  const runtime = runtimeLayers({ endpoint, imageEndpoint: "", requestTimeoutMs: 120_000 })
  const alone = yield* Effect.provide(bare({ logDirectory: `${place.directory}/logs`, cgroup: place.cgroup }), runtime)

  const token = randomBytes(24).toString("base64url")
  const identity = { username: `system:node:${nodeName}`, groups: ["system:nodes", "system:authenticated"] }
  const api = yield* MemoryApi.make({ tokens: { [token]: identity } })
  const measured = Effect.gen(function*() {
    const begin = yield* timed(startAgent(api, token, place, endpoint))
    const atStart = usageOf(begin.value).rssMb
    const pods = yield* withAgent
    const rest = yield* idle(begin.value)
    const cleared = yield* timed(Effect.forEach(pods.many, pods.remove, { concurrency: "unbounded", discard: true }))
    return { begin: begin.ms, atStart, pods, rest, cleared: cleared.ms }
  })
  const { atStart, begin, cleared, pods, rest } = yield* Effect.provide(measured, KubeApiMemory.layer(api))

  const start = percentile(pods.starts, 0.5)
  const rows = [
    [
      "create → Ready, one at a time, p50",
      ms(start),
      ms(alone.start),
      `${(start / alone.start).toFixed(2)} (goal ≤ 1.23)`
    ],
    ["create → Ready, one at a time, p90", ms(percentile(pods.starts, 0.9)), "", ""],
    [
      `${atOnce} at once, all Ready`,
      ms(pods.together),
      ms(alone.together),
      `${(pods.together / alone.together).toFixed(2)} (goal ≤ 1.20)`
    ],
    ["delete → gone, ends when asked, p50", ms(percentile(pods.stops, 0.5)), ms(alone.stop), "(goal ≤ 300 ms)"],
    ["delete → gone, killed after 2 s, p50", ms(percentile(pods.kills, 0.5)), "", "(goal ≤ 2300 ms)"],
    [`${atOnce} at once, all gone`, ms(cleared), "", ""],
    ["start of the agent → node Ready", ms(begin), "", ""],
    ["RSS when the node is Ready", `${atStart.toFixed(0)} MB`, "", ""],
    [`idle with ${atOnce} pods, cores`, rest.cores.toFixed(3), "", "(goal ≤ 0.020)"],
    [`idle with ${atOnce} pods, RSS`, `${rest.rssMb.toFixed(0)} MB`, "", "(goal ≤ 120 MB)"]
  ]
  const header = ["what", "kubeffect", "runtime alone", "ratio"]
  const widths = header.map((_, column) => Math.max(...[header, ...rows].map((row) => row[column]?.length ?? 0)))
  for (const row of [header, ...rows]) {
    yield* Console.log(row.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join("  ").trimEnd())
  }
})

NodeRuntime.runMain(bench.pipe(Effect.scoped, Effect.provide(NodeServices.layer)))
