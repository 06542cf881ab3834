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
import * as ApiFaults from "../layers/faults/ApiFaults.ts"
import * as CriFaults from "../layers/faults/CriFaults.ts"
import { Faults } from "../layers/faults/Faults.ts"
import * as HostFaults from "../layers/faults/HostFaults.ts"
import * as ProbeFaults from "../layers/faults/ProbeFaults.ts"
import { MemoryCgroups } from "../layers/host/CgroupsMemory.ts"
import { MemoryHost } from "../layers/host/memory/MemoryHost.ts"
import { agent } from "../programs/agent.ts"
import type { Trace } from "./Trace.ts"

export interface SimNodeOptions {
  readonly name: string
  readonly api: MemoryApi
  readonly seed: string
  readonly faults: ReadonlyArray<Fault>
  readonly trace: Trace
  readonly startMs: number
  readonly runtime?: Partial<CriSim.SimOptions>
  /** Fields of KubeletConfiguration. */
  readonly configuration?: Readonly<Record<string, unknown>>
}

type Machine = Layer.Success<ReturnType<typeof simulatedLayers>>

const restartMs = 5000

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
  /** Power fails: the agent dies, and so does everything in containers. */
  readonly reboot: Effect.Effect<void>
  /** Kills the agent at its call number `call`, before it happens or when it has. Counted over all its lives. */
  readonly crashAt: (call: number, when: "before" | "after") => void
  /** Outside calls the agent has made. */
  readonly calls: () => number
}

const planOf = (options: SimNodeOptions) => {
  const configuration = { failCgroupV1: false, evictionHard: {}, ...options.configuration }
  const planned = planNode({ nodeName: options.name, configuration })
  if (planned._tag === "Failure") throw new Error(`the node's configuration is wrong: ${planned.failure.message}`)
  return planned.success
}

/** The calls of one agent: struck, counted, cut off when it is dead. */
const faultsOf = (life: Incarnation, control: Control): Faults["Service"] => ({
  verdict: (call) =>
    Effect.suspend(() => {
      if (!life.alive) return Effect.interrupt
      control.calls += 1
      if (control.crashAt?.when === "before" && control.crashAt.call === control.calls) return control.die(call)
      return Effect.map(Clock.currentTimeMillis, (now) => control.judge(call, now))
    }),
  returned: (call) =>
    Effect.suspend(() => {
      if (!life.alive) return Effect.interrupt
      return control.crashAt?.when === "after" && control.crashAt.call <= control.calls
        ? control.die(call)
        : Effect.void
    })
})

interface Control {
  calls: number
  lives: number
  life: Incarnation | undefined
  partitioned: boolean
  crashAt: { readonly call: number; readonly when: "before" | "after" } | undefined
  readonly judge: (call: OutsideCall, nowMs: number) => Verdict
  readonly die: (call: OutsideCall) => Effect.Effect<never>
}

const teller = ({ name, startMs, trace }: SimNodeOptions) => (what: string, about = "") =>
  Effect.map(Clock.currentTimeMillis, (now) => trace.add({ atMs: now - startMs, where: name, what, about }))

const killOf = (control: Control) =>
  Effect.sync(() => {
    const dying = control.life
    if (dying === undefined) return
    control.life = undefined
    dying.alive = false
    dying.fiber?.interruptUnsafe()
  })

const controlOf = (options: SimNodeOptions): Control => {
  const { name, startMs, trace } = options
  const judge = makeJudge(options.faults, name)
  const say = teller(options)
  const control: Control = {
    calls: 0,
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
    die: ({ method, service, target }) =>
      Effect.suspend(() => {
        control.crashAt = undefined
        return Effect.andThen(say("agent killed", `at ${service}.${method} ${target}`), killOf(control))
      }).pipe(Effect.andThen(Effect.interrupt))
  }
  return control
}

/** Starts the agent on the machine, and again whenever it ends by itself. */
const starter = (options: SimNodeOptions, control: Control, machine: Context.Context<Machine>, scope: Scope.Scope) => {
  const say = teller(options)
  const plan = planOf(options)
  const below = Layer.mergeAll(Layer.succeedContext(machine), KubeApiMemory.layer(options.api))
  const start: Effect.Effect<void> = Effect.gen(function*() {
    if (control.life !== undefined) return
    const mine: Incarnation = { alive: true, fiber: undefined }
    control.life = mine
    control.lives += 1
    yield* say("agent started", String(control.lives))
    const struck = Layer.mergeAll(ApiFaults.layer, CriFaults.layer, HostFaults.layer, ProbeFaults.layer).pipe(
      Layer.provide(Layer.succeed(Faults, faultsOf(mine, control))),
      Layer.provideMerge(below)
    )
    const whole = agent.pipe(
      Effect.provide(Layer.fresh(nodeLayers(plan).pipe(Layer.provideMerge(struck)))),
      Effect.scoped,
      // Each life has dice of its own, so that what one node does never changes what another one draws.
      Random.withSeed(`${options.seed}/${options.name}/${control.lives}`)
    )
    // An agent that cannot come up ends; its supervisor starts it again, as systemd does.
    const ended = Effect.gen(function*() {
      if (control.life !== mine) return
      control.life = undefined
      mine.alive = false
      yield* say("agent ended")
      yield* Effect.forkIn(Effect.andThen(Effect.sleep(restartMs), start), scope)
    })
    mine.fiber = yield* Effect.forkIn(Effect.onExit(whole, () => ended), scope)
  })
  return start
}

export const makeNode = Effect.fn("SimNode.make")(function*(
  options: SimNodeOptions
): Effect.fn.Return<SimNode, never, Scope.Scope> {
  const { name } = options
  const runtime = CriSim.make({ node: name, ...options.runtime })
  const host = new MemoryHost()
  const cgroups = new MemoryCgroups()
  const machine = yield* Layer.build(Layer.fresh(simulatedLayers({ hostname: name, runtime, host, cgroups })))
  const control = controlOf(options)
  const say = teller(options)
  const crash = Effect.suspend(() =>
    control.life === undefined ? Effect.void : Effect.andThen(say("agent killed"), killOf(control))
  )
  return {
    name,
    runtime,
    host,
    cgroups,
    start: starter(options, control, machine, yield* Effect.scope),
    crash,
    running: () => control.life !== undefined,
    partition: Effect.andThen(say("partitioned"), Effect.sync(() => (control.partitioned = true))),
    heal: Effect.andThen(say("healed"), Effect.sync(() => (control.partitioned = false))),
    reboot: Effect.gen(function*() {
      yield* crash
      yield* say("machine rebooted")
      runtime.reboot(yield* Clock.currentTimeMillis)
      host.reboot()
    }),
    crashAt: (call, when) => {
      control.crashAt = { call, when }
    },
    calls: () => control.calls
  }
})
