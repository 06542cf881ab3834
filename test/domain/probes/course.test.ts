import { assert, describe, it } from "@effect/vitest"
import * as fc from "fast-check"
import { afterRun, beginCourse, type Course, fractionOf, type RunOutcome } from "../../../src/domain/probes/course.ts"
import { type ProbeKind, settingsOf } from "../../../src/domain/probes/settings.ts"

const settings = settingsOf({ periodSeconds: 10, failureThreshold: 3, successThreshold: 2 })

const begin = (kind: ProbeKind, fields: Partial<Parameters<typeof beginCourse>[0]> = {}): Course =>
  beginCourse({
    kind,
    settings,
    containerStartedAtMs: 100_000,
    releasedAtMs: 100_000,
    nowMs: 100_000,
    agentStartedAtMs: 0,
    key: "u/c/x",
    ...fields
  })

const play = (kind: ProbeKind, outcomes: ReadonlyArray<RunOutcome>): Course =>
  outcomes.reduce<Course>(
    (course, outcome) => afterRun(course, { kind, settings, outcome, nowMs: course.nextAtMs ?? 0 }),
    begin(kind)
  )

describe("probe settings", () => {
  it("H1: defaults are delay 0, period 10 s, timeout 1 s, one success, three failures", () => {
    const want = { initialDelayMs: 0, periodMs: 10_000, timeoutMs: 1000, successThreshold: 1, failureThreshold: 3 }
    assert.deepStrictEqual(settingsOf({}), want)
    assert.deepStrictEqual(settingsOf({ periodSeconds: 0, timeoutSeconds: 0, failureThreshold: 0 }), want)
  })
})

describe("first run", () => {
  it.each(
    [
      { kind: "readiness", want: 100_000, why: "traffic waits for it (H8)" },
      { kind: "startup", want: 101_000, why: "a second is soon, and leaves the app time to begin" },
      { kind: "liveness", want: 110_000, why: "nothing is gained by killing early" }
    ] as const
  )("H1: $kind begins at $want: $why", ({ kind, want }) => {
    assert.strictEqual(begin(kind).nextAtMs, want)
  })
  it("H1: initialDelaySeconds is counted from the container's start", () => {
    const delayed = settingsOf({ initialDelaySeconds: 7 })
    assert.strictEqual(begin("readiness", { settings: delayed, nowMs: 103_000 }).nextAtMs, 107_000)
  })
  it("H8: what waited for the startup probe begins when that succeeds", () => {
    assert.strictEqual(begin("liveness", { releasedAtMs: 155_000, nowMs: 155_000 }).nextAtMs, 155_000)
  })
  it("H1: after a restart of the agent the first runs are spread over the period, the same way every time", () => {
    const first = (key: string) => begin("readiness", { key, agentStartedAtMs: 200_000, nowMs: 200_000 }).nextAtMs ?? 0
    const times = Array.from({ length: 1000 }, (_, i) => first(`u${i}/c/readiness`))
    assert.isTrue(times.every((at) => at >= 200_000 && at < 210_000))
    const perSecond = Array.from(
      { length: 10 },
      (_, i) => times.filter((at) => Math.floor(at / 1000) === 200 + i).length
    )
    assert.isTrue(perSecond.every((count) => count > 60 && count < 140), perSecond.join())
    assert.strictEqual(first("a"), first("a"))
  })
  it("H1: containers that the agent started itself are not delayed", () => {
    assert.strictEqual(begin("readiness", { agentStartedAtMs: 99_000 }).nextAtMs, 100_000)
  })
  it("is no further off than delay and period, though the clock was set back since the container's start", () => {
    const delayed = settingsOf({ initialDelaySeconds: 7 })
    assert.strictEqual(begin("readiness", { settings: delayed, nowMs: -3_600_000 }).nextAtMs, -3_583_000)
  })
  it("is a fraction of one whatever the text", () => {
    fc.assert(fc.property(fc.string(), (text) => fractionOf(text) >= 0 && fractionOf(text) < 1))
  })
})

describe("schedule", () => {
  it.each([
    { took: 0, want: 110_000, why: "the next period" },
    { took: 900, want: 110_000, why: "how long a run takes does not move the next" },
    { took: 25_000, want: 130_000, why: "missed ticks are dropped, the rhythm stays" },
    { took: -3_600_000, want: -3_490_000, why: "a period later by the clock that was set back meanwhile" }
  ])("H1: a run of $took ms is followed at $want: $why", ({ took, want }) => {
    const next = afterRun(begin("readiness"), {
      kind: "readiness",
      settings,
      outcome: "success",
      nowMs: 100_000 + took
    })
    assert.strictEqual(next.nextAtMs, want)
  })
})

describe("verdict", () => {
  it.each<{ kind: ProbeKind; outcomes: ReadonlyArray<RunOutcome>; want: string | undefined; why: string }>([
    {
      kind: "readiness",
      outcomes: ["success"],
      want: undefined,
      why: "the threshold counts for the first verdict too"
    },
    { kind: "readiness", outcomes: ["success", "success"], want: "success", why: "two in a row" },
    { kind: "readiness", outcomes: ["success", "failure", "success"], want: undefined, why: "not in a row" },
    {
      kind: "readiness",
      outcomes: ["success", "error", "success"],
      want: "success",
      why: "an error counts neither way"
    },
    { kind: "readiness", outcomes: ["success", "success", "failure", "failure"], want: "success", why: "two of three" },
    {
      kind: "readiness",
      outcomes: ["success", "success", "failure", "failure", "failure"],
      want: "failure",
      why: "three in a row"
    },
    { kind: "liveness", outcomes: ["failure", "failure", "failure"], want: "failure", why: "three in a row" },
    {
      kind: "startup",
      outcomes: ["failure", "failure", "success", "success"],
      want: "success",
      why: "before the third"
    }
  ])("H2: $kind $outcomes is $want: $why", ({ kind, outcomes, want }) => {
    assert.strictEqual(play(kind, outcomes).verdict, want)
  })
  it.each<{ kind: ProbeKind; outcomes: ReadonlyArray<RunOutcome>; ended: boolean }>([
    { kind: "liveness", outcomes: ["failure", "failure", "failure"], ended: true },
    { kind: "startup", outcomes: ["failure", "failure", "failure"], ended: true },
    { kind: "startup", outcomes: ["success", "success"], ended: true },
    { kind: "readiness", outcomes: ["failure", "failure", "failure"], ended: false },
    { kind: "liveness", outcomes: ["success", "success"], ended: false }
  ])("H3: $kind after $outcomes has ended: $ended", ({ kind, outcomes, ended }) => {
    assert.strictEqual(play(kind, outcomes).nextAtMs === undefined, ended)
  })
  it("the next run is always later than now, and on the rhythm", () => {
    fc.assert(fc.property(
      fc.array(fc.record({
        outcome: fc.constantFrom<RunOutcome>("success", "failure", "error"),
        took: fc.integer({ min: 0, max: 100_000 })
      })),
      (runs) => {
        let course = begin("readiness")
        for (const { outcome, took } of runs) {
          const nowMs = (course.nextAtMs ?? 0) + took
          course = afterRun(course, { kind: "readiness", settings, outcome, nowMs })
          assert.isAbove(course.nextAtMs ?? 0, nowMs - 1)
          assert.strictEqual((course.nextAtMs ?? 0) % 10_000, 0)
        }
      }
    ))
  })
})
