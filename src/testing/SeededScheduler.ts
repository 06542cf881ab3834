/**
 * Runs all fibers of a simulation from one list. The seed decides who goes next and who is interrupted in the middle of
 * what it does, so that a race shows for some seed and the same race shows again for the same seed.
 */
import { Effect, type Fiber, type Scheduler } from "effect"
import { between, type Dice, makeDice } from "../domain/chaos/dice.ts"

/** A fiber that never waits lets others go after as many operations, as outside of a simulation. */
const maxOperations = 2048
/** Tasks that run without time going on; more are a loop that never ends. */
const livelockSteps = 2_000_000

/** What is done next; who only waited goes on with nothing. */
export type Task = (nothing: Effect.Effect<void>) => void

export class SeededScheduler implements Scheduler.Scheduler {
  readonly executionMode = "sync"
  /** Tasks that were run. */
  steps = 0
  #ready: Array<Task> = []
  readonly #dice: Dice
  /** Between two preemptions lies one operation at least, and this many at most; none without preemption. */
  readonly #gapMax: number
  #untilPreemption: number
  readonly #dispatcher: Scheduler.SchedulerDispatcher

  /**
   * `preemption`: the part of operations before which a fiber has to let others go first. At zero nobody looks for races,
   * and everybody goes in the order in which he was woken.
   */
  constructor(seed: string, preemption: number) {
    this.#dice = makeDice(`${seed}/scheduler`)
    this.#gapMax = preemption > 0 ? Math.max(1, Math.round(2 / preemption) - 1) : 0
    this.#untilPreemption = this.#gap()
    // One for everybody: with one for each fiber there would be an order among them that no seed decides.
    this.#dispatcher = { scheduleTask: (task) => this.push(task), flush: () => this.drain() }
  }

  shouldYield(fiber: Fiber.Fiber<unknown, unknown>): boolean {
    // Asked before every operation of every fiber: a count-down costs less than a throw of the dice.
    this.#untilPreemption -= 1
    if (this.#untilPreemption > 0) return fiber.currentOpCount >= maxOperations
    this.#untilPreemption = this.#gap()
    return true
  }

  makeDispatcher(): Scheduler.SchedulerDispatcher {
    return this.#dispatcher
  }

  readonly push = (task: Task): void => {
    this.#ready.push(task)
  }

  /** Runs until nobody has anything to do at this time. */
  drain(): void {
    const limit = this.steps + livelockSteps
    while (this.#ready.length > 0) {
      const batch = this.#ready
      this.#ready = []
      if (this.#gapMax > 0) this.#shuffle(batch)
      for (const task of batch) {
        this.steps += 1
        if (this.steps > limit) throw new Error(`${livelockSteps} steps without time going on`)
        task(Effect.void)
      }
    }
  }

  #gap(): number {
    return this.#gapMax === 0 ? Number.POSITIVE_INFINITY : between(this.#dice, 1, this.#gapMax)
  }

  #shuffle(batch: Array<Task>): void {
    for (let last = batch.length - 1; last > 0; last -= 1) {
      const other = Math.floor(this.#dice() * (last + 1))
      const [a, b] = [batch[last], batch[other]]
      if (a !== undefined && b !== undefined) [batch[last], batch[other]] = [b, a]
    }
  }
}
