/** Time that goes on only when nobody has anything to do, and then at once to when somebody wants to be woken. */
import { type Clock, Duration, Effect } from "effect"
import { TimerHeap } from "../domain/timerHeap.ts"
import type { Task } from "./SeededScheduler.ts"

export class VirtualClock implements Clock.Clock {
  now: number
  readonly #sleepers = new TimerHeap<Task>()

  constructor(startMs: number) {
    this.now = startMs
  }

  readonly currentTimeMillis = Effect.sync(() => this.now)
  readonly currentTimeNanos = Effect.sync(() => this.currentTimeNanosUnsafe())
  readonly monotonicTimeNanos = Effect.sync(() => this.currentTimeNanosUnsafe())

  currentTimeMillisUnsafe(): number {
    return this.now
  }

  currentTimeNanosUnsafe(): bigint {
    return BigInt(this.now) * 1_000_000n
  }

  monotonicTimeNanosUnsafe(): bigint {
    return this.currentTimeNanosUnsafe()
  }

  /** Whole milliseconds, rounded up: jitter would else wake a thousand fibers at a thousand times within one. */
  sleep(duration: Duration.Duration): Effect.Effect<void> {
    const ms = Duration.toMillis(duration)
    if (ms <= 0) return Effect.yieldNow
    if (!Number.isFinite(ms)) return Effect.never
    return Effect.callback<void>((resume) => {
      // Waking is a task as it is: a closure for each of a hundred thousand sleepers would be much to keep and to reach.
      const sleeper = this.#sleepers.add(this.now + Math.max(1, Math.ceil(ms)), resume)
      return Effect.sync(() => this.#sleepers.cancel(sleeper))
    })
  }

  /** Goes to the next time at which somebody wakes up, and hands all of those to `push`; false when that is too late. */
  advance(untilMs: number, push: (task: Task) => void): boolean {
    const at = this.#sleepers.next()
    if (at === undefined || at > untilMs) return false
    this.now = at
    while (this.#sleepers.take(at, push)) { /* everybody of this moment */ }
    return true
  }
}
