/** The clock of one machine: the world's, but for what somebody has set it by. Time itself goes by as everywhere. */
import { type Clock, type Duration, Effect } from "effect"

interface Jump {
  /** From when on, by the world's clock. */
  readonly atMs: number
  readonly offsetMs: number
}

/** What a machine's clock has shown, and shows now. */
export class Dial {
  readonly world: Clock.Clock
  offsetMs = 0
  /** It was never set. */
  isTrue = true
  readonly #jumps: Array<Jump> = []

  constructor(world: Clock.Clock) {
    this.world = world
  }

  jump(byMs: number): void {
    this.isTrue = false
    this.offsetMs += byMs
    this.#jumps.push({ atMs: this.world.currentTimeMillisUnsafe(), offsetMs: this.offsetMs })
  }

  /** What it showed at a time of the world. */
  wallMs(worldMs: number): number {
    return worldMs + (this.#jumps.findLast(({ atMs }) => atMs <= worldMs)?.offsetMs ?? 0)
  }
}

/** What comes after each timer of a process; nothing when nobody asks. */
export interface WakeRule {
  readonly woken: () => Effect.Effect<void> | undefined
}

/** The dial as the clock of one process. */
export class MachineClock implements Clock.Clock {
  readonly #dial: Dial
  readonly #rule: WakeRule

  constructor(dial: Dial, rule: WakeRule) {
    this.#dial = dial
    this.#rule = rule
  }

  readonly currentTimeMillis = Effect.sync(() => this.currentTimeMillisUnsafe())
  readonly currentTimeNanos = Effect.sync(() => this.currentTimeNanosUnsafe())
  readonly monotonicTimeNanos = Effect.sync(() => this.monotonicTimeNanosUnsafe())

  currentTimeMillisUnsafe(): number {
    return this.#dial.world.currentTimeMillisUnsafe() + this.#dial.offsetMs
  }

  currentTimeNanosUnsafe(): bigint {
    return this.#dial.world.currentTimeNanosUnsafe() + BigInt(this.#dial.offsetMs) * 1_000_000n
  }

  monotonicTimeNanosUnsafe(): bigint {
    return this.#dial.world.monotonicTimeNanosUnsafe()
  }

  sleep(duration: Duration.Duration): Effect.Effect<void> {
    const after = this.#rule.woken()
    const sleep = this.#dial.world.sleep(duration)
    return after === undefined ? sleep : Effect.andThen(sleep, after)
  }
}
