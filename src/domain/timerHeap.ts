/**
 * What is to happen at which time: a binary heap by time, and in the order of their making at the same time. Taking one
 * back costs nothing, and those taken back are swept out before they outnumber the others.
 */

export interface Timer<A> {
  readonly at: number
  readonly order: number
  /** Undefined once cancelled or taken. */
  target: A | undefined
}

const before = <A>(a: Timer<A>, b: Timer<A>): boolean => a.at < b.at || (a.at === b.at && a.order < b.order)

/** Fewer than these are not worth a sweep. */
const sweepMin = 64

export class TimerHeap<A> {
  #heap: Array<Timer<A>> = []
  #made = 0
  #cancelled = 0

  get size(): number {
    return this.#heap.length - this.#cancelled
  }

  /** The time of the next timer, if any. */
  next(): number | undefined {
    for (let top = this.#heap[0]; top !== undefined; top = this.#heap[0]) {
      if (top.target !== undefined) return top.at
      this.#removeTop()
      this.#cancelled -= 1
    }
    return undefined
  }

  add(at: number, target: A): Timer<A> {
    const timer: Timer<A> = { at, order: this.#made, target }
    this.#made += 1
    this.#rise(timer, this.#heap.push(timer) - 1)
    return timer
  }

  /** It does not happen any more; nothing when it has. */
  cancel(timer: Timer<A>): void {
    if (timer.target === undefined) return
    timer.target = undefined
    this.#cancelled += 1
    if (this.#cancelled >= sweepMin && this.#cancelled * 2 > this.#heap.length) this.#sweep()
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
    const live = this.#heap.filter(({ target }) => target !== undefined)
    this.#heap = []
    this.#cancelled = 0
    for (const timer of live) this.#rise(timer, this.#heap.push(timer) - 1)
  }

  #rise(timer: Timer<A>, from: number): void {
    const heap = this.#heap
    let i = from
    while (i > 0) {
      const parent = (i - 1) >> 1
      const above = heap[parent]
      if (above === undefined || !before(timer, above)) break
      heap[i] = above
      i = parent
    }
    heap[i] = timer
  }

  #removeTop(): Timer<A> | undefined {
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
