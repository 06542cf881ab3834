import { assert, describe, it } from "@effect/vitest"
import { Clock, Effect, Exit, Random, Ref } from "effect"
import { runSim } from "../../src/testing/runSim.ts"

/** Reads and writes in two steps, as one must not. */
const lossy = Effect.gen(function*() {
  const ref = yield* Ref.make(0)
  const add = Effect.gen(function*() {
    const before = yield* Ref.get(ref)
    yield* Effect.void
    yield* Ref.set(ref, before + 1)
  })
  yield* Effect.all([add, add, add], { concurrency: "unbounded" })
  return yield* Ref.get(ref)
})

const order = Effect.gen(function*() {
  const seen: Array<string> = []
  const one = (name: string) =>
    Effect.gen(function*() {
      for (let i = 0; i < 5; i += 1) {
        yield* Effect.sleep(yield* Random.nextIntBetween(1, 4))
        seen.push(`${name}${i}@${yield* Clock.currentTimeMillis}`)
      }
    })
  yield* Effect.all(["a", "b", "c"].map(one), { concurrency: "unbounded" })
  return seen.join(" ")
})

const valueOf = <A, E>(exit: Exit.Exit<A, E> | undefined) =>
  exit !== undefined && Exit.isSuccess(exit) ? exit.value : undefined

describe("runSim", () => {
  it("equal seeds give equal runs, others do not", () => {
    const run = (seed: number) => valueOf(runSim(order, { seed, untilMs: 1000 }).exit)
    assert.isDefined(run(1))
    assert.strictEqual(run(1), run(1))
    assert.isAbove(new Set([1, 2, 3, 4, 5].map(run)).size, 3)
  })

  it("finds an update that is lost, for some seeds, and again for the same ones", () => {
    const run = () =>
      Array.from({ length: 300 }, (_, seed) => valueOf(runSim(lossy, { seed, untilMs: 1, preemption: 0.1 }).exit))
    const values = run()
    assert.include(values, 3)
    assert.include(values, 2)
    assert.deepStrictEqual(run(), values)
  })

  it("a day passes at once, and what nobody will ever wake is stuck", () => {
    const day = runSim(Effect.sleep("24 hours"), { seed: 1, untilMs: 100_000_000 })
    assert.strictEqual(day.elapsedMs, 86_400_000)
    assert.isFalse(day.stuck)
    assert.isTrue(runSim(Effect.never, { seed: 1, untilMs: 1000 }).stuck)
  })

  it("is cut off at its time, and its finalizers run", () => {
    let closed = false
    const late = runSim(
      Effect.ensuring(Effect.sleep("1 hour"), Effect.sync(() => (closed = true))),
      { seed: 1, untilMs: 1000 }
    )
    assert.isUndefined(late.exit)
    assert.isFalse(late.stuck)
    assert.isTrue(closed)
  })
})
