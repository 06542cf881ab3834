/** Time that goes on only when nobody has anything to do, and then at once to when somebody wants to be woken. */
import { type Clock, Duration, Effect } from "effect"

interface Sleeper {
  readonly at: number
  readonly order: number
  wake: (() => void) | undefined
}

const before = (a: Sleeper, b: Sleeper): boolean => a.at < b.at || (a.at === b.at && a.order < b.order)

export class VirtualClock implements Clock.Clock {
  now: number
  #sleeps = 0
  readonly #heap: Array<Sleeper> = []

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
      const sleeper = this.#add(this.now + Math.max(1, Math.ceil(ms)), () => resume(Effect.void))
      return Effect.sync(() => {
        sleeper.wake = undefined
      })
    })
  }

  /** Goes to the next time at which somebody wakes up, and hands all of those to `push`; false when that is too late. */
  advance(untilMs: number, push: (task: () => void) => void): boolean {
    let woken = false
    for (let top = this.#heap[0]; top !== undefined && top.at <= untilMs; top = this.#heap[0]) {
      if (woken && top.at !== this.now) break
      this.#removeTop()
      if (top.wake === undefined) continue
      this.now = top.at
      woken = true
      push(top.wake)
    }
    return woken
  }

  #add(at: number, wake: () => void): Sleeper {
    const sleeper: Sleeper = { at, order: this.#sleeps, wake }
    this.#sleeps += 1
    let i = this.#heap.push(sleeper) - 1
    while (i > 0) {
      const parent = (i - 1) >> 1
      const above = this.#heap[parent]
      if (above === undefined || !before(sleeper, above)) break
      this.#heap[i] = above
      i = parent
    }
    this.#heap[i] = sleeper
    return sleeper
  }

  #removeTop(): void {
    const heap = this.#heap
    const last = heap.pop()
    if (last === undefined || heap.length === 0) return
    let i = 0
    while (true) {
      let child = 2 * i + 1
      const left = heap[child]
      if (left === undefined) break
      const right = heap[child + 1]
      if (right !== undefined && before(right, left)) child += 1
      const smaller = heap[child]
      if (smaller === undefined || !before(smaller, last)) break
      heap[i] = smaller
      i = child
    }
    heap[i] = last
  }
}
