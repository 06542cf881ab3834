/**
 * How fast pods start and go, beside what the runtime takes by itself in the same run, and what the agent uses when
 * nothing happens. Needs root, containerd, runc and the CNI plugins.
 *
 *     npm run bench -- [pods one at a time, default 15] [pods at once, default 50] [seconds idle, default 30]
 */
import { NodeRuntime, NodeServices } from "@effect/platform-node"
import { Console, Effect, Layer } from "effect"
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
import { type Bare, makeBare } from "./bareRuntime.ts"
import { type ClusterPods, makeClusterPods } from "./clusterPods.ts"
import { percentile, timed } from "./measure.ts"

const [oneByOne = 15, atOnce = 50, idleSeconds = 30] = process.argv.slice(2).map(Number)

const names = (prefix: string, count: number) => Array.from({ length: count }, (_, i) => `${prefix}-${i}`)
const ms = (time: number) => `${time.toFixed(0)} ms`

/** Both ways in turn, so that what else the machine does meets both alike. */
const inTurn = Effect.fnUntraced(function*(pid: number, bare: Bare, pods: ClusterPods) {
  const times = { start: [], stop: [], bareStart: [], bareStop: [], kill: [] } as Record<string, Array<number>>
  const note = <A, E, R>(what: string, effect: Effect.Effect<A, E, R>) =>
    Effect.map(timed(effect), ({ ms, value }) => {
      times[what]?.push(ms)
      return value
    })
  let cpuMs = 0
  for (const name of names("pod", oneByOne)) {
    const sandbox = yield* note("bareStart", bare.start(name))
    yield* note("bareStop", bare.stop(sandbox))
    const before = usageOf(pid).cpuMs
    yield* note("start", pods.start(name, demoImageName))
    cpuMs += usageOf(pid).cpuMs - before
    yield* note("stop", pods.remove(name))
  }
  for (const name of names("deaf", 3)) {
    yield* pods.start(name, demoImageName, true)
    yield* note("kill", pods.remove(name))
  }
  const median = (what: string) => percentile(times[what] ?? [], 0.5)
  return {
    start: median("start"),
    startP90: percentile(times["start"] ?? [], 0.9),
    bareStart: median("bareStart"),
    stop: median("stop"),
    bareStop: median("bareStop"),
    kill: median("kill"),
    cpuMs: cpuMs / oneByOne
  }
})

/** All at once; eight bare calls in flight are the fastest on two cores. */
const together = Effect.fnUntraced(function*(pid: number, bare: Bare, pods: ClusterPods) {
  const many = names("many", atOnce)
  const alone = yield* timed(Effect.forEach(many, bare.start, { concurrency: 8 }))
  yield* Effect.forEach(alone.value, bare.stop, { concurrency: 8, discard: true })
  const before = usageOf(pid).cpuMs
  const all = yield* timed(
    Effect.forEach(many, (name) => pods.start(name, demoImageName), { concurrency: "unbounded", discard: true })
  )
  return { bare: alone.ms, all: all.ms, cpuMs: (usageOf(pid).cpuMs - before) / atOnce, many }
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
  // A runtime of its own for the bare calls: an agent removes what it does not know.
  const barePlace = yield* makePlace(tmpdir(), (process.pid + 1) % 50_000)
  const bareRuntime = yield* startPrivateRuntime(choice, barePlace)
  const bare = yield* makeBare(demoImageName, barePlace).pipe(
    Effect.provide(
      yield* Layer.build(
        runtimeLayers({ endpoint: bareRuntime.endpoint, imageEndpoint: "", requestTimeoutMs: 120_000 })
      )
    )
  )

  const token = randomBytes(24).toString("base64url")
  const identity = { username: `system:node:${nodeName}`, groups: ["system:nodes", "system:authenticated"] }
  const api = yield* MemoryApi.make({ tokens: { [token]: identity } })
  const measured = Effect.gen(function*() {
    const begin = yield* timed(startAgent(api, token, place, endpoint))
    const pid = begin.value
    const atStart = usageOf(pid).rssMb
    const pods = yield* makeClusterPods
    yield* bare.start("warm").pipe(Effect.flatMap(bare.stop))
    yield* pods.start("warm", demoImageName)
    yield* pods.remove("warm")
    const one = yield* inTurn(pid, bare, pods)
    const burst = yield* together(pid, bare, pods)
    const rest = yield* idle(pid)
    const cleared = yield* timed(Effect.forEach(burst.many, pods.remove, { concurrency: "unbounded", discard: true }))
    return { begin: begin.ms, atStart, one, burst, rest, cleared: cleared.ms }
  })
  const { atStart, begin, burst, cleared, one, rest } = yield* Effect.provide(measured, KubeApiMemory.layer(api))

  const ratio = (ours: number, alone: number, goal: string) => `${(ours / alone).toFixed(2)} (goal ≤ ${goal})`
  const rows = [
    ["create → Ready, one at a time, p50", ms(one.start), ms(one.bareStart), ratio(one.start, one.bareStart, "1.23")],
    ["create → Ready, one at a time, p90", ms(one.startP90), "", ""],
    ["CPU time of the agent for one start", ms(one.cpuMs), "", ""],
    [`${atOnce} at once, all Ready`, ms(burst.all), ms(burst.bare), ratio(burst.all, burst.bare, "1.20")],
    [`CPU time of the agent for one start of ${atOnce}`, ms(burst.cpuMs), "", ""],
    ["delete → gone, ends when asked, p50", ms(one.stop), ms(one.bareStop), "(goal ≤ 300 ms)"],
    ["delete → gone, killed after 2 s, p50", ms(one.kill), "", "(goal ≤ 2300 ms)"],
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
