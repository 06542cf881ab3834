/**
 * What is to happen at which time: a binary heap by time, and in the order of their making at the same time. Taking one
 * back costs nothing, and those taken back are swept out before they outnumber the others.
 */

export interface Timer<A> {
  /** Undefined once cancelled or taken. */
  target: A | undefined
}

/** Fewer than these are not worth a sweep. */
const sweepMin = 64

export class TimerHeap<A> {
  // Side by side: who looks for his place among a hundred thousand reads two rows of numbers and not as many objects.
  #ats: Array<number> = []
  #orders: Array<number> = []
  #timers: Array<Timer<A>> = []
  #made = 0
  #cancelled = 0

  get size(): number {
    return this.#timers.length - this.#cancelled
  }

  /** The time of the next timer, if any. */
  next(): number | undefined {
    for (let top = this.#timers[0]; top !== undefined; top = this.#timers[0]) {
      if (top.target !== undefined) return this.#ats[0]
      this.#removeTop()
      this.#cancelled -= 1
    }
    return undefined
  }

  add(at: number, target: A): Timer<A> {
    const timer: Timer<A> = { target }
    this.#rise(at, this.#made, timer, this.#timers.length)
    this.#made += 1
    return timer
  }

  /** It does not happen any more; nothing when it has. */
  cancel(timer: Timer<A>): void {
    if (timer.target === undefined) return
    timer.target = undefined
    this.#cancelled += 1
    if (this.#cancelled >= sweepMin && this.#cancelled * 2 > this.#timers.length) this.#sweep()
  }

  /** Takes the next timer and lets it happen, if it is due; false if none is. */
  take(now: number, happen: (target: A, at: number) => void): boolean {
    const at = this.next()
    if (at === undefined || at > now) return false
    const top = this.#removeTop()
    const target = top?.target
    if (top === undefined || target === undefined) return false
    top.target = undefined
    happen(target, at)
    return true
  }

  #sweep(): void {
    const ats = this.#ats
    const orders = this.#orders
    const timers = this.#timers
    this.#ats = []
    this.#orders = []
    this.#timers = []
    this.#cancelled = 0
    for (const [index, timer] of timers.entries()) {
      if (timer.target !== undefined) this.#rise(ats[index] ?? 0, orders[index] ?? 0, timer, this.#timers.length)
    }
  }

  /** Whether the one at `index` comes before that time and order. */
  #isBefore(index: number, at: number, order: number): boolean {
    const its = this.#ats[index] ?? 0
    return its < at || (its === at && (this.#orders[index] ?? 0) < order)
  }

  #put(index: number, at: number, order: number, timer: Timer<A>): void {
    this.#ats[index] = at
    this.#orders[index] = order
    this.#timers[index] = timer
  }

  #move(from: number, to: number): void {
    const timer = this.#timers[from]
    if (timer !== undefined) this.#put(to, this.#ats[from] ?? 0, this.#orders[from] ?? 0, timer)
  }

  #rise(at: number, order: number, timer: Timer<A>, from: number): void {
    let i = from
    while (i > 0) {
      const parent = (i - 1) >> 1
      if (this.#isBefore(parent, at, order)) break
      this.#move(parent, i)
      i = parent
    }
    this.#put(i, at, order, timer)
  }

  #removeTop(): Timer<A> | undefined {
    const top = this.#timers[0]
    const at = this.#ats.pop()
    const order = this.#orders.pop()
    const last = this.#timers.pop()
    const size = this.#timers.length
    if (at === undefined || order === undefined || last === undefined || size === 0) return top
    let i = 0
    while (true) {
      let child = 2 * i + 1
      if (child >= size) break
      if (child + 1 < size && this.#isBefore(child + 1, this.#ats[child] ?? 0, this.#orders[child] ?? 0)) child += 1
      if (!this.#isBefore(child, at, order)) break
      this.#move(child, i)
      i = child
    }
    this.#put(i, at, order, last)
    return top
  }
}
