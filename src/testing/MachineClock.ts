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
  readonly #jumps: Array<Jump> = []

  constructor(world: Clock.Clock) {
    this.world = world
  }

  /** It was never set. */
  get isTrue(): boolean {
    return this.#jumps.length === 0
  }

  get offsetMs(): number {
    return this.#jumps.at(-1)?.offsetMs ?? 0
  }

  jump(byMs: number): void {
    this.#jumps.push({ atMs: this.world.currentTimeMillisUnsafe(), offsetMs: this.offsetMs + byMs })
  }

  /** What it showed at a time of the world. */
  wallMs(worldMs: number): number {
    return worldMs + (this.#jumps.findLast(({ atMs }) => atMs <= worldMs)?.offsetMs ?? 0)
  }
}

/** The dial as the clock of one process; `woken` comes after each of its timers. */
export class MachineClock implements Clock.Clock {
  readonly #dial: Dial
  readonly #woken: () => Effect.Effect<void> | undefined

  constructor(dial: Dial, woken: () => Effect.Effect<void> | undefined) {
    this.#dial = dial
    this.#woken = woken
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
    const after = this.#woken()
    const sleep = this.#dial.world.sleep(duration)
    return after === undefined ? sleep : Effect.andThen(sleep, after)
  }
}
