/**
 * Runs all fibers of a simulation from one list. The seed decides who goes next and who is interrupted in the middle of
 * what it does, so that a race shows for some seed and the same race shows again for the same seed.
 */
import { type Fiber, Scheduler } from "effect"
import { type Dice, makeDice } from "../domain/chaos/dice.ts"

/** Tasks that run without time going on; more are a loop that never ends. */
const livelockSteps = 2_000_000

export class SeededScheduler implements Scheduler.Scheduler {
  readonly executionMode = "sync"
  /** Tasks that were run. */
  steps = 0
  #ready: Array<() => void> = []
  readonly #dice: Dice
  readonly #preemption: number
  readonly #dispatcher: Scheduler.SchedulerDispatcher

  /** `preemption`: how likely a fiber has to let others go first, at each of its operations. */
  constructor(seed: string, preemption: number) {
    this.#dice = makeDice(`${seed}/scheduler`)
    this.#preemption = preemption
    // One for everybody: with one for each fiber there would be an order among them that no seed decides.
    this.#dispatcher = { scheduleTask: (task) => this.push(task), flush: () => this.drain() }
  }

  shouldYield(fiber: Fiber.Fiber<unknown, unknown>): boolean {
    if (this.#preemption > 0 && this.#dice() < this.#preemption) return true
    return fiber.currentOpCount >= fiber.getRef(Scheduler.MaxOpsBeforeYield)
  }

  makeDispatcher(): Scheduler.SchedulerDispatcher {
    return this.#dispatcher
  }

  readonly push = (task: () => void): void => {
    this.#ready.push(task)
  }

  /** Runs until nobody has anything to do at this time. */
  drain(): void {
    const limit = this.steps + livelockSteps
    while (this.#ready.length > 0) {
      const batch = this.#ready
      this.#ready = []
      this.#shuffle(batch)
      for (const task of batch) {
        this.steps += 1
        if (this.steps > limit) throw new Error(`${livelockSteps} steps without time going on`)
        task()
      }
    }
  }

  #shuffle(batch: Array<() => void>): void {
    for (let last = batch.length - 1; last > 0; last -= 1) {
      const other = Math.floor(this.#dice() * (last + 1))
      const [a, b] = [batch[last], batch[other]]
      if (a !== undefined && b !== undefined) [batch[last], batch[other]] = [b, a]
    }
  }
}
