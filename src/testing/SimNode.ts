/**
 * One node of a world: a machine that is made up, and the agent on it, which can be killed at any moment and started
 * again on what it left. Killing is `kill -9`: nothing of the old process reaches the outside any more.
 */
import { Clock, type Context, Effect, Layer, Random, type Scope } from "effect"
import { nodeLayers } from "../cli/compose/node.ts"
import { planNode } from "../cli/compose/nodePlan.ts"
import { simulatedLayers } from "../cli/compose/simulatedLayers.ts"
import * as KubeApiMemory from "../layers/api/KubeApiMemory.ts"
import type { MemoryApi } from "../layers/api/memory/MemoryApi.ts"
import * as CriSim from "../layers/cri/CriSim.ts"
import * as CsiSim from "../layers/csi/CsiSim.ts"
import * as PluginRegistrationSim from "../layers/csi/PluginRegistrationSim.ts"
import * as ApiFaults from "../layers/faults/ApiFaults.ts"
import * as CriFaults from "../layers/faults/CriFaults.ts"
import * as CsiFaults from "../layers/faults/CsiFaults.ts"
import { Faults } from "../layers/faults/Faults.ts"
import * as HostFaults from "../layers/faults/HostFaults.ts"
import * as ProbeFaults from "../layers/faults/ProbeFaults.ts"
import { MemoryCgroups } from "../layers/host/CgroupsMemory.ts"
import { MemoryHost } from "../layers/host/memory/MemoryHost.ts"
import { agent } from "../programs/agent.ts"
import { AgentControl, type AwaitPoint, type ControlOptions } from "./AgentControl.ts"
import { buildOnce } from "./buildOnce.ts"
import { Dial, MachineClock } from "./MachineClock.ts"

export interface SimNodeOptions extends ControlOptions {
  readonly api: MemoryApi
  readonly seed: string
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

/** Starts the agent on the machine, and again whenever it ends by itself. */
const starter = (
  options: SimNodeOptions,
  control: AgentControl,
  machine: Context.Context<Machine>,
  scope: Scope.Scope
) => {
  const plan = planOf(options)
  const below = Layer.mergeAll(Layer.succeedContext(machine), KubeApiMemory.layer(options.api))
  const start: Effect.Effect<void> = Effect.gen(function*() {
    if (control.life !== undefined) return
    const mine = control.begin()
    control.say("agent started", String(control.lives))
    const struck = Layer.mergeAll(
      ApiFaults.layer,
      CriFaults.layer,
      CsiFaults.layer,
      HostFaults.layer,
      ProbeFaults.layer
    ).pipe(
      Layer.provide(Layer.succeed(Faults, mine)),
      Layer.provideMerge(below)
    )
    const whole = buildOnce(nodeLayers(plan).pipe(Layer.provideMerge(struck))).pipe(
      Effect.flatMap((services) => Effect.provideContext(agent, services)),
      Effect.scoped,
      Effect.provideService(Clock.Clock, new MachineClock(control.dial, mine)),
      // Each life has dice of its own, so that what one node does never changes what another one draws.
      Random.withSeed(`${options.seed}/${options.name}/${control.lives}`)
    )
    // An agent that cannot come up ends; its supervisor starts it again, as systemd does.
    const ended = Effect.gen(function*() {
      if (control.life !== mine) return
      control.life = undefined
      mine.alive = false
      control.say("agent ended")
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
  const control = new AgentControl(options, new Dial(yield* Clock.Clock))
  const crash = Effect.sync(() => control.kill())
  const part = (partitioned: boolean) =>
    Effect.sync(() => {
      control.partitioned = partitioned
      control.say(partitioned ? "partitioned" : "healed")
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
      control.say("machine rebooted")
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
