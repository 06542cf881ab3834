import { assert, describe, it } from "@effect/vitest"
import * as fc from "fast-check"
import { TimerHeap } from "../../src/domain/timerHeap.ts"

const taken = (heap: TimerHeap<number>): ReadonlyArray<number> => {
  const all: Array<number> = []
  while (heap.take(Infinity, (next) => all.push(next))) { /* takes them all */ }
  return all
}

describe("TimerHeap", () => {
  it("gives timers by time, those of one time in the order of their making, and none that was taken back", () => {
    const timers = fc.array(fc.record({ at: fc.integer({ min: 0, max: 50 }), cancelled: fc.boolean() }), {
      maxLength: 400
    })
    fc.assert(fc.property(timers, (given) => {
      const heap = new TimerHeap<number>()
      const made = given.map(({ at }, index) => heap.add(at, index))
      given.forEach(({ cancelled }, index) => {
        const timer = made[index]
        if (cancelled && timer !== undefined) heap.cancel(timer)
      })
      const kept = given.map((one, index) => ({ ...one, index })).filter(({ cancelled }) => !cancelled)
      assert.strictEqual(heap.size, kept.length)
      assert.deepStrictEqual(taken(heap), kept.toSorted((a, b) => a.at - b.at).map(({ index }) => index))
      assert.strictEqual(heap.size, 0)
    }))
  })

  it("gives nothing before its time, and counts one that was taken back after it happened but once", () => {
    const heap = new TimerHeap<string>()
    const timer = heap.add(10, "a")
    heap.add(20, "b")
    const happened: Array<string> = []
    const happen = (what: string, at: number) => happened.push(`${what}@${at}`)
    assert.isFalse(heap.take(9, happen))
    assert.isTrue(heap.take(15, happen))
    assert.deepStrictEqual(happened, ["a@10"])
    heap.cancel(timer)
    assert.strictEqual(heap.size, 1)
    assert.strictEqual(heap.next(), 20)
  })
})
