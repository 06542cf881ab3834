import { assert, describe, it } from "@effect/vitest"
import * as fc from "fast-check"
import { correlate, type Correlation, type Entry, noCorrelation } from "../../../src/domain/events/correlate.ts"
import { containerFieldPath, type Occurrence } from "../../../src/domain/events/occurrence.ts"

const occurrence = (message: string, atMs: number, fields: Partial<Occurrence["subject"]> = {}): Occurrence => ({
  subject: { apiVersion: "v1", kind: "Pod", namespace: "shop", name: "web", uid: "u1", ...fields },
  text: { type: "Warning", reason: "Unhealthy", message },
  atMs
})

const play = (occurrences: ReadonlyArray<Occurrence>): ReadonlyArray<Entry | undefined> => {
  let state: Correlation = noCorrelation
  return occurrences.map((next) => {
    const result = correlate(state, next)
    state = result.state
    return result.entry
  })
}

const times = (count: number) => Array.from({ length: count }, (_, index) => index)

describe("which Event an occurrence belongs to", () => {
  const first = occurrence("timeout", 0)
  it.each([
    { other: occurrence("timeout", 5000), same: true, why: "it repeats the first" },
    { other: occurrence("refused", 5000), same: false, why: "its text differs" },
    { other: occurrence("timeout", 5000, { uid: "u2" }), same: false, why: "it is another pod of that name" },
    {
      other: occurrence("timeout", 5000, { fieldPath: "spec.containers{a}" }),
      same: false,
      why: "it is about a container"
    },
    { other: occurrence("timeout", 5000, { resourceVersion: "7" }), same: true, why: "versions of an object are one" },
    {
      other: { ...occurrence("timeout", 5000), text: { ...first.text, reason: "Failed" } },
      same: false,
      why: "its reason differs"
    }
  ])("T1: same $same, because $why", ({ other, same }) => {
    const [a, b] = play([first, other])
    assert.strictEqual(a?.key === b?.key, same)
  })

  it("T1: from the tenth different message within ten minutes on they are combined into one Event", () => {
    const entries = play(times(14).map((n) => occurrence(`attempt ${n}`, n * 1000)))
    assert.deepStrictEqual(
      entries.map((entry) => entry?.text.message.startsWith("(combined from similar events): ")),
      times(14).map((n) => n >= 9)
    )
    assert.strictEqual(new Set(entries.slice(9).map((entry) => entry?.key)).size, 1)
    assert.strictEqual(entries[9]?.text.message, "(combined from similar events): attempt 9")
  })

  it("T1: ten quiet minutes end the combining", () => {
    const entries = play([
      ...times(10).map((n) => occurrence(`attempt ${n}`, n)),
      occurrence("later", 600_000 + 10)
    ])
    assert.strictEqual(entries[10]?.text.message, "later")
  })

  it("T1: one message that repeats is never combined, however often", () => {
    const entries = play(times(20).map((n) => occurrence("same", n)))
    assert.deepStrictEqual(new Set(entries.map((entry) => entry?.text.message)), new Set(["same"]))
  })
})

describe("spam", () => {
  it("T1: an object has 25 events at once, then one every five minutes", () => {
    const entries = play([
      ...times(30).map(() => occurrence("same", 0)),
      occurrence("same", 299_999),
      occurrence("same", 300_000),
      occurrence("same", 300_001)
    ])
    assert.strictEqual(entries.slice(0, 30).filter((entry) => entry !== undefined).length, 25)
    assert.deepStrictEqual(entries.slice(30).map((entry) => entry !== undefined), [false, true, false])
  })

  it("T1: the budget is the object's, whatever its containers and reasons", () => {
    const entries = play([
      ...times(25).map(() => occurrence("same", 0, { fieldPath: "spec.containers{a}" })),
      occurrence("other", 0, { fieldPath: "spec.containers{b}" }),
      occurrence("same", 0, { uid: "u2" })
    ])
    assert.isUndefined(entries[25])
    assert.isDefined(entries[26])
  })

  it("T1: no burst of any form gets more than 25 events in five minutes", () => {
    fc.assert(fc.property(
      fc.array(fc.record({ message: fc.string(), gapMs: fc.nat(2000) }), { maxLength: 120 }),
      (steps) => {
        let nowMs = 0
        const entries = play(steps.map(({ gapMs, message }) => occurrence(message, nowMs += gapMs)))
        const told = entries.filter((entry) => entry !== undefined).length
        assert.isAtMost(told, 25 + Math.floor(nowMs / 300_000))
        assert.isAtLeast(told, Math.min(25, steps.length))
      }
    ))
  })

  it("T1: the memory stays bounded over ever new objects, and the newest are known", () => {
    let state: Correlation = noCorrelation
    for (const n of times(10_000)) state = correlate(state, occurrence("x", n, { uid: `u${n}` })).state
    assert.isAtMost([...state.budgets].length, 4096)
    assert.isAtMost([...state.similar].length, 4096)
    assert.isTrue([...state.budgets].some(([key]) => key.split("\n").includes("u9999")))
  })
})

it.each(
  [
    { kind: "regular", want: "spec.containers{c}" },
    { kind: "init", want: "spec.initContainers{c}" },
    { kind: "sidecar", want: "spec.initContainers{c}" },
    { kind: "ephemeral", want: "spec.ephemeralContainers{c}" }
  ] as const
)("T1: a container of kind $kind is at $want", ({ kind, want }) => {
  assert.strictEqual(containerFieldPath({ name: "c", kind }), want)
})
