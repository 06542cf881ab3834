/** What is to happen at which time: a heap by time, and in the order of their making at the same time. */

export interface Woken {
  readonly wake: (now: number) => void
}

export interface Timer {
  readonly at: number
  readonly order: number
  /** Undefined once cancelled. */
  target: Woken | undefined
}

const before = (a: Timer, b: Timer): boolean => a.at < b.at || (a.at === b.at && a.order < b.order)

export class Timers {
  readonly #heap: Array<Timer> = []
  #made = 0

  /** The time of the next timer, if any. */
  next(): number | undefined {
    while (this.#heap[0] !== undefined && this.#heap[0].target === undefined) this.#removeTop()
    return this.#heap[0]?.at
  }

  add(at: number, target: Woken): Timer {
    const timer: Timer = { at, order: this.#made, target }
    this.#made += 1
    let i = this.#heap.push(timer) - 1
    while (i > 0) {
      const parent = (i - 1) >> 1
      const above = this.#heap[parent]
      if (above === undefined || !before(timer, above)) break
      this.#heap[i] = above
      i = parent
    }
    this.#heap[i] = timer
    return timer
  }

  /** Takes the next timer if it is due. */
  due(now: number): Timer | undefined {
    const at = this.next()
    return at !== undefined && at <= now ? this.#removeTop() : undefined
  }

  #removeTop(): Timer | undefined {
    const heap = this.#heap
    const top = heap[0]
    const last = heap.pop()
    if (last === undefined || heap.length === 0) return top
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
    return top
  }
}
