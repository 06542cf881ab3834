/**
 * One node of a world: a machine that is made up, and the agent on it, which can be killed at any moment and started
 * again on what it left. Killing is `kill -9`: nothing of the old process reaches the outside any more.
 */
import { Clock, type Context, Effect, type Fiber, Layer, Random, type Scope } from "effect"
import { nodeLayers } from "../cli/compose/node.ts"
import { planNode } from "../cli/compose/nodePlan.ts"
import { simulatedLayers } from "../cli/compose/simulatedLayers.ts"
import { type Fault, type OutsideCall, pass, type Verdict } from "../domain/chaos/fault.ts"
import { makeJudge } from "../domain/chaos/judge.ts"
import * as KubeApiMemory from "../layers/api/KubeApiMemory.ts"
import type { MemoryApi } from "../layers/api/memory/MemoryApi.ts"
import * as CriSim from "../layers/cri/CriSim.ts"
import * as CsiSim from "../layers/csi/CsiSim.ts"
import * as PluginRegistrationSim from "../layers/csi/PluginRegistrationSim.ts"
import * as ApiFaults from "../layers/faults/ApiFaults.ts"
import * as CriFaults from "../layers/faults/CriFaults.ts"
import * as CsiFaults from "../layers/faults/CsiFaults.ts"
import { Faults, type Ruling } from "../layers/faults/Faults.ts"
import * as HostFaults from "../layers/faults/HostFaults.ts"
import * as ProbeFaults from "../layers/faults/ProbeFaults.ts"
import { MemoryCgroups } from "../layers/host/CgroupsMemory.ts"
import { MemoryHost } from "../layers/host/memory/MemoryHost.ts"
import { agent } from "../programs/agent.ts"
import { buildOnce } from "./buildOnce.ts"
import { Dial, MachineClock } from "./MachineClock.ts"
import type { Trace } from "./Trace.ts"

export interface SimNodeOptions {
  readonly name: string
  readonly api: MemoryApi
  readonly seed: string
  readonly faults: ReadonlyArray<Fault>
  /** What lists of the API server said before. */
  readonly past: NonNullable<Faults["Service"]["past"]>
  readonly trace: Trace
  readonly startMs: number
  readonly runtime?: Partial<CriSim.SimOptions>
  /** Fields of KubeletConfiguration. */
  readonly configuration?: Readonly<Record<string, unknown>>
}

type Machine = Layer.Success<ReturnType<typeof simulatedLayers>>

const restartMs = 5000

/** The driver that every node has, of volumes that are folders of the node. */
export const csiDriverName = "folders.kubeffect.dev"
const csiSocket = "/var/lib/kubelet/plugins/folders/csi.sock"
const csiRegistration = "/var/lib/kubelet/plugins_registry/folders-reg.sock"

/** A place at which an agent waits, and so one at which it may be dead when it would go on. */
export interface AwaitPoint {
  /** Before a call, after it, before what a stream tells, after a timer. */
  readonly kind: "call" | "answer" | "event" | "timer"
  /** Counted from 1 over all lives of the agent. */
  readonly number: number
  /** `Cri.stopContainer 3f…`; empty for timers. */
  readonly what: string
}

/** A process of the agent. */
interface Incarnation {
  alive: boolean
  fiber: Fiber.Fiber<unknown, unknown> | undefined
}

export interface SimNode {
  readonly name: string
  readonly runtime: CriSim.SimRuntime
  readonly host: MemoryHost
  readonly cgroups: MemoryCgroups
  /** Starts the agent; nothing when it runs. */
  readonly start: Effect.Effect<void>
  /** Kills the agent. */
  readonly crash: Effect.Effect<void>
  readonly running: () => boolean
  /** The agent and the API server do not hear each other, until `heal`. */
  readonly partition: Effect.Effect<void>
  readonly heal: Effect.Effect<void>
  /** Sets the machine's clock; the time that goes by is not touched. */
  readonly jumpClock: (byMs: number) => void
  /** What the machine's clock said at a time of the world. */
  readonly wallMs: (worldMs: number) => number
  /** Power fails: the agent dies, and so does everything in containers. */
  readonly reboot: Effect.Effect<void>
  /** Kills the agent at its call number `call`, before it happens or when it has. Counted over all its lives. */
  readonly crashAt: (call: number, when: "before" | "after") => void
  /** Outside calls the agent has made. */
  readonly calls: () => number
  /** Told of every point at which the agent waits; true kills it there. One at a time. */
  readonly onAwait: (listener: ((point: AwaitPoint) => boolean) | undefined) => void
}

const planOf = (options: SimNodeOptions) => {
  const configuration = { failCgroupV1: false, evictionHard: {}, ...options.configuration }
  const planned = planNode({ nodeName: options.name, configuration })
  if (planned._tag === "Failure") throw new Error(`the node's configuration is wrong: ${planned.failure.message}`)
  const { config, settings } = planned.success
  return { config, settings }
}

/** Whether the agent dies here. */
const diesAt = (control: Control, kind: AwaitPoint["kind"], what: OutsideCall | undefined): boolean => {
  control.points += 1
  return control.onAwait?.({ kind, number: control.points, what: what === undefined ? "" : named(what) }) === true
}

const named = ({ method, service, target }: OutsideCall): string => `${service}.${method} ${target}`.trim()

const gone: Ruling = { _tag: "Gone" }

/** The calls of one agent: struck, counted, cut off when it is dead. */
const faultsOf = (life: Incarnation, control: Control): Faults["Service"] => ({
  verdict: (call) => {
    if (!life.alive) return gone
    const isEvent = call.method.endsWith(" event")
    if (!isEvent) control.calls += 1
    const { crashAt } = control
    const ends = !isEvent && crashAt?.when === "before" && crashAt.call === control.calls
    if (ends || diesAt(control, isEvent ? "event" : "call", call)) control.die(named(call))
    return life.alive ? control.judge(call, control.dial.world.currentTimeMillisUnsafe()) : gone
  },
  returned: (call) => {
    if (!life.alive) return false
    const { crashAt } = control
    const ends = crashAt?.when === "after" && crashAt.call <= control.calls
    if (ends || diesAt(control, "answer", call)) control.die(named(call))
    return life.alive
  },
  past: control.past,
  get wallMs() {
    return control.dial.isTrue ? undefined : (outsideMs: number) => control.dial.wallMs(outsideMs)
  },
  get clock() {
    // Until it is set, the machine's clock is the world's.
    return control.dial.isTrue ? undefined : control.dial.world
  }
})

/** After a timer of the agent; nothing when nobody asks. */
const wokenOf = (life: Incarnation, control: Control) => () =>
  control.onAwait === undefined
    ? undefined
    : Effect.suspend(() => {
      if (life.alive && diesAt(control, "timer", undefined)) control.die("at a timer")
      return life.alive ? Effect.void : Effect.interrupt
    })

interface Control {
  calls: number
  points: number
  lives: number
  life: Incarnation | undefined
  partitioned: boolean
  crashAt: { readonly call: number; readonly when: "before" | "after" } | undefined
  onAwait: ((point: AwaitPoint) => boolean) | undefined
  readonly dial: Dial
  readonly past: NonNullable<Faults["Service"]["past"]>
  readonly judge: (call: OutsideCall, nowMs: number) => Verdict
  /** Kills the agent that runs. */
  readonly die: (where: string) => void
}

const teller = ({ name, startMs, trace }: SimNodeOptions, { world }: Dial) => (what: string, about = ""): void =>
  trace.add({ atMs: world.currentTimeMillisUnsafe() - startMs, where: name, what, about })

const kill = (control: Control): void => {
  const dying = control.life
  if (dying === undefined) return
  control.life = undefined
  dying.alive = false
  dying.fiber?.interruptUnsafe()
}

const controlOf = (options: SimNodeOptions, dial: Dial): Control => {
  const { name, startMs, trace } = options
  const judge = makeJudge(options.faults, name)
  const say = teller(options, dial)
  const control: Control = {
    calls: 0,
    points: 0,
    onAwait: undefined,
    dial,
    past: options.past,
    lives: 0,
    life: undefined,
    partitioned: false,
    crashAt: undefined,
    judge: (call, nowMs) => {
      if (control.partitioned && call.service === "KubeApi") return { _tag: "Fail", how: "unavailable" }
      const { fault, verdict } = judge(call, nowMs - startMs)
      if (fault === undefined) return pass
      trace.add({ atMs: nowMs - startMs, where: name, what: `fault ${fault}`, about: `${call.method} ${call.target}` })
      return verdict
    },
    die: (where) => {
      control.crashAt = undefined
      say("agent killed", where)
      kill(control)
    }
  }
  return control
}

/** Starts the agent on the machine, and again whenever it ends by itself. */
const starter = (options: SimNodeOptions, control: Control, machine: Context.Context<Machine>, scope: Scope.Scope) => {
  const say = teller(options, control.dial)
  const plan = planOf(options)
  const below = Layer.mergeAll(Layer.succeedContext(machine), KubeApiMemory.layer(options.api))
  const start: Effect.Effect<void> = Effect.gen(function*() {
    if (control.life !== undefined) return
    const mine: Incarnation = { alive: true, fiber: undefined }
    control.life = mine
    control.lives += 1
    say("agent started", String(control.lives))
    const struck = Layer.mergeAll(
      ApiFaults.layer,
      CriFaults.layer,
      CsiFaults.layer,
      HostFaults.layer,
      ProbeFaults.layer
    ).pipe(
      Layer.provide(Layer.succeed(Faults, faultsOf(mine, control))),
      Layer.provideMerge(below)
    )
    const whole = buildOnce(nodeLayers(plan).pipe(Layer.provideMerge(struck))).pipe(
      Effect.flatMap((services) => Effect.provideContext(agent, services)),
      Effect.scoped,
      Effect.provideService(Clock.Clock, new MachineClock(control.dial, wokenOf(mine, control))),
      // Each life has dice of its own, so that what one node does never changes what another one draws.
      Random.withSeed(`${options.seed}/${options.name}/${control.lives}`)
    )
    // An agent that cannot come up ends; its supervisor starts it again, as systemd does.
    const ended = Effect.gen(function*() {
      if (control.life !== mine) return
      control.life = undefined
      mine.alive = false
      say("agent ended")
      yield* Effect.forkIn(Effect.andThen(Effect.sleep(restartMs), start), scope)
    })
    mine.fiber = yield* Effect.forkIn(Effect.onExit(whole, () => ended), scope)
  })
  return start
}

/** A CSI driver that offers itself to whatever agent comes. */
const csiOf = (host: MemoryHost, nodeId: string) => {
  for (const path of [csiSocket, csiRegistration]) {
    host.makeDirectories(path.slice(0, path.lastIndexOf("/")))
    host.create(path, { type: "socket", mode: 0o755 })
  }
  const settings = { name: csiDriverName, nodeId, maxVolumes: 0, topology: {}, abilities: [], backing: "/srv/volumes" }
  const info = { type: "CSIPlugin", name: csiDriverName, endpoint: csiSocket, versions: ["1.0.0"] }
  return Layer.merge(
    CsiSim.layer(new Map([[csiSocket, CsiSim.makeDriver(settings)]])),
    PluginRegistrationSim.layer(new Map([[csiRegistration, { info, told: [] }]]))
  )
}

export const makeNode = Effect.fn("SimNode.make")(function*(
  options: SimNodeOptions
): Effect.fn.Return<SimNode, never, Scope.Scope> {
  const { name } = options
  const runtime = CriSim.make({ node: name, ...options.runtime })
  const host = new MemoryHost()
  const cgroups = new MemoryCgroups()
  const bare = simulatedLayers({ hostname: name, runtime, host, cgroups })
  const machine = yield* buildOnce(Layer.provideMerge(csiOf(host, name), bare))
  const control = controlOf(options, new Dial(yield* Clock.Clock))
  const say = teller(options, control.dial)
  const crash = Effect.sync(() => {
    if (control.life === undefined) return
    say("agent killed")
    kill(control)
  })
  const part = (partitioned: boolean) =>
    Effect.sync(() => {
      control.partitioned = partitioned
      say(partitioned ? "partitioned" : "healed")
    })
  return {
    name,
    runtime,
    host,
    cgroups,
    start: starter(options, control, machine, yield* Effect.scope),
    crash,
    running: () => control.life !== undefined,
    partition: part(true),
    heal: part(false),
    reboot: Effect.gen(function*() {
      yield* crash
      say("machine rebooted")
      runtime.reboot(yield* Clock.currentTimeMillis)
      host.reboot()
    }),
    crashAt: (call, when) => {
      control.crashAt = { call, when }
    },
    calls: () => control.calls,
    onAwait: (listener) => {
      control.onAwait = listener
    },
    jumpClock: (byMs) => control.dial.jump(byMs),
    wallMs: (worldMs) => control.dial.wallMs(worldMs)
  }
})
