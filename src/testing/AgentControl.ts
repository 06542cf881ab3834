/**
 * The hand over one node's agent: rules over each of its calls, and kills it wherever somebody asks for that. Nearly
 * always nobody does, and there are thousands of nodes with a call a second each: so what a call that passes has to look
 * at lies together in two objects.
 */
import { type Clock, Effect, type Fiber } from "effect"
import { type Fault, type OutsideCall, pass, type Verdict } from "../domain/chaos/fault.ts"
import { makeJudge } from "../domain/chaos/judge.ts"
import type { Faults, Ruling } from "../layers/faults/Faults.ts"
import type { Dial, WakeRule } from "./MachineClock.ts"
import type { Trace } from "./Trace.ts"

/** A place at which an agent waits, and so one at which it may be dead when it would go on. */
export interface AwaitPoint {
  /** Before a call, after it, before what a stream tells, after a timer. */
  readonly kind: "call" | "answer" | "event" | "timer"
  /** Counted from 1 over all lives of the agent. */
  readonly number: number
  /** `Cri.stopContainer 3f…`; empty for timers. */
  readonly what: string
}

const named = ({ method, service, target }: OutsideCall): string => `${service}.${method} ${target}`.trim()

const gone: Ruling = { _tag: "Gone" }
const unreachable: Verdict = { _tag: "Fail", how: "unavailable" }

export interface ControlOptions {
  readonly name: string
  readonly faults: ReadonlyArray<Fault>
  /** What lists of the API server said before. */
  readonly past: NonNullable<Faults["Service"]["past"]>
  readonly trace: Trace
  readonly startMs: number
}

export class AgentControl {
  /** Outside calls of all lives. */
  calls = 0
  points = 0
  lives = 0
  life: Incarnation | undefined = undefined
  partitioned = false
  crashAt: { readonly call: number; readonly when: "before" | "after" } | undefined = undefined
  onAwait: ((point: AwaitPoint) => boolean) | undefined = undefined
  readonly dial: Dial
  readonly #options: ControlOptions
  /** Absent where no fault is to be. */
  readonly #judge: ReturnType<typeof makeJudge> | undefined

  constructor(options: ControlOptions, dial: Dial) {
    this.dial = dial
    this.#options = options
    this.#judge = options.faults.length === 0 ? undefined : makeJudge(options.faults, options.name)
  }

  get past(): ControlOptions["past"] {
    return this.#options.past
  }

  /** Writes something about the node into the world's trace. */
  say(what: string, about = ""): void {
    const { name, startMs, trace } = this.#options
    trace.add({ atMs: this.dial.world.currentTimeMillisUnsafe() - startMs, where: name, what, about })
  }

  /** A new process of the agent. */
  begin(): Incarnation {
    this.life = new Incarnation(this)
    this.lives += 1
    return this.life
  }

  /** `kill -9`; nothing when it does not run. */
  kill(where = ""): void {
    const dying = this.life
    if (dying === undefined) return
    this.say("agent killed", where)
    this.life = undefined
    dying.alive = false
    dying.fiber?.interruptUnsafe()
  }

  /** Kills the agent if it is to die here. */
  pause(kind: AwaitPoint["kind"], call: OutsideCall | undefined): void {
    this.points += 1
    if (this.crashAt === undefined && this.onAwait === undefined) return
    const what = call === undefined ? "" : named(call)
    if (this.#crashes(kind) || this.onAwait?.({ kind, number: this.points, what }) === true) {
      this.crashAt = undefined
      this.kill(call === undefined ? "at a timer" : what)
    }
  }

  judge(call: OutsideCall): Verdict {
    if (this.partitioned && call.service === "KubeApi") return unreachable
    if (this.#judge === undefined) return pass
    const { fault, verdict } = this.#judge(
      call,
      this.dial.world.currentTimeMillisUnsafe() - this.#options.startMs
    )
    if (fault !== undefined) this.say(`fault ${fault}`, `${call.method} ${call.target}`)
    return verdict
  }

  #crashes(kind: AwaitPoint["kind"]): boolean {
    if (this.crashAt === undefined) return false
    const { call, when } = this.crashAt
    return when === "before" ? kind === "call" && call === this.calls : kind === "answer" && call <= this.calls
  }
}

/** A process of the agent: what strikes its calls, and wakes it. */
class Incarnation implements WakeRule {
  alive = true
  fiber: Fiber.Fiber<unknown, unknown> | undefined = undefined
  readonly #control: AgentControl

  constructor(control: AgentControl) {
    this.#control = control
  }

  verdict(call: OutsideCall): Ruling {
    if (!this.alive) return gone
    const isEvent = call.method.endsWith(" event")
    if (!isEvent) this.#control.calls += 1
    this.#control.pause(isEvent ? "event" : "call", call)
    return this.alive ? this.#control.judge(call) : gone
  }

  returned(call: OutsideCall): boolean {
    if (!this.alive) return false
    this.#control.pause("answer", call)
    return this.alive
  }

  get past(): AgentControl["past"] {
    return this.#control.past
  }

  get wallMs(): Faults["Service"]["wallMs"] {
    const { dial } = this.#control
    return dial.isTrue ? undefined : (outsideMs) => dial.wallMs(outsideMs)
  }

  /** Until it is set, the machine's clock is the world's. */
  get clock(): Clock.Clock | undefined {
    const { dial } = this.#control
    return dial.isTrue ? undefined : dial.world
  }

  woken(): Effect.Effect<void> | undefined {
    if (this.#control.onAwait === undefined) return undefined
    return Effect.suspend(() => {
      if (this.alive) this.#control.pause("timer", undefined)
      return this.alive ? Effect.void : Effect.interrupt
    })
  }
}
