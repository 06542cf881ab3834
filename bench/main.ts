/**
 * How fast pods start and go, beside what the runtime takes by itself in the same run, and what the agent uses when
 * nothing happens. Needs root, containerd, runc and the CNI plugins.
 *
 *     npm run bench -- [pods one at a time, default 15] [pods at once, default 50] [seconds idle, default 30]
 *         [times at once, default 5]
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
import { askedFor, type Bare, makeBare } from "./bareRuntime.ts"
import { type ClusterPods, makeClusterPods } from "./clusterPods.ts"
import { percentile, timed } from "./measure.ts"

const [oneByOne = 15, atOnce = 50, idleSeconds = 30, bursts = 5] = process.argv.slice(2).map(Number)

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

/**
 * All at once, and so several times, in turn with the runtime alone; eight bare calls in flight are the fastest on two
 * cores. The last ones stay.
 */
const together = Effect.fnUntraced(function*(pid: number, bare: Bare, pods: ClusterPods) {
  const many = names("many", atOnce)
  const turns: Array<{ readonly alone: number; readonly all: number; readonly cpuMs: number; readonly gone: number }> =
    []
  const startAll = Effect.forEach(many, (name) => pods.start(name, demoImageName), {
    concurrency: "unbounded",
    discard: true
  })
  const removeAll = Effect.forEach(many, pods.remove, { concurrency: "unbounded", discard: true })
  for (let turn = 0; turn < bursts; turn += 1) {
    const alone = yield* timed(Effect.forEach(many, bare.start, { concurrency: 8 }))
    yield* Effect.forEach(alone.value, bare.stop, { concurrency: 8, discard: true })
    const before = usageOf(pid).cpuMs
    const all = yield* timed(startAll)
    const cpuMs = (usageOf(pid).cpuMs - before) / atOnce
    const gone = yield* timed(removeAll)
    turns.push({ alone: alone.ms, all: all.ms, cpuMs, gone: gone.ms })
  }
  yield* startAll
  const median = (what: (turn: (typeof turns)[number]) => number) => percentile(turns.map(what), 0.5)
  return {
    bare: median(({ alone }) => alone),
    all: median(({ all }) => all),
    ratio: median(({ all, alone }) => all / alone),
    ratios: turns.map(({ all, alone }) => (all / alone).toFixed(2)).join(", "),
    cpuMs: median(({ cpuMs }) => cpuMs),
    gone: median(({ gone }) => gone)
  }
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
  const speakTo = (endpoint: string) =>
    Layer.build(runtimeLayers({ endpoint, imageEndpoint: "", requestTimeoutMs: 120_000 }))

  const token = randomBytes(24).toString("base64url")
  const identity = { username: `system:node:${nodeName}`, groups: ["system:nodes", "system:authenticated"] }
  const api = yield* MemoryApi.make({ tokens: { [token]: identity } })
  const measured = Effect.gen(function*() {
    const begin = yield* timed(startAgent(api, token, place, endpoint))
    const pid = begin.value
    const atStart = usageOf(pid).rssMb
    const pods = yield* makeClusterPods
    yield* pods.start("warm", demoImageName)
    const asked = yield* Effect.provide(askedFor("warm"), yield* speakTo(endpoint))
    const bare = yield* Effect.provide(makeBare(asked, barePlace), yield* speakTo(bareRuntime.endpoint))
    yield* bare.start("warm").pipe(Effect.flatMap(bare.stop))
    yield* pods.remove("warm")
    const one = yield* inTurn(pid, bare, pods)
    const burst = yield* together(pid, bare, pods)
    const rest = yield* idle(pid)
    return { begin: begin.ms, atStart, one, burst, rest }
  })
  const { atStart, begin, burst, one, rest } = yield* Effect.provide(measured, KubeApiMemory.layer(api))

  const ratio = (found: number, goal: string) => `${found.toFixed(2)} (goal ≤ ${goal})`
  const rows = [
    ["create → Ready, one at a time, p50", ms(one.start), ms(one.bareStart), ratio(one.start / one.bareStart, "1.23")],
    ["create → Ready, one at a time, p90", ms(one.startP90), "", ""],
    ["CPU time of the agent for one start", ms(one.cpuMs), "", ""],
    [`${atOnce} at once, all Ready, p50`, ms(burst.all), ms(burst.bare), ratio(burst.ratio, "1.20")],
    [`${atOnce} at once, each of ${bursts} turns`, "", "", burst.ratios],
    [`CPU time of the agent for one start of ${atOnce}`, ms(burst.cpuMs), "", ""],
    ["delete → gone, ends when asked, p50", ms(one.stop), ms(one.bareStop), "(goal ≤ 300 ms)"],
    ["delete → gone, killed after 2 s, p50", ms(one.kill), "", "(goal ≤ 2300 ms)"],
    [`${atOnce} at once, all gone, p50`, ms(burst.gone), "", ""],
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
