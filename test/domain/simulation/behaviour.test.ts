import { assert, describe, it } from "@effect/vitest"
import { Result } from "effect"
import { behaviourKeys, behaviourOf, drawnMs, pullBehaviourOf } from "../../../src/domain/simulation/behaviour.ts"

const all = (key: string, value: string) => ({ [`sim.kubeffect.dev/${key}`]: value })

const rows: ReadonlyArray<
  { readonly key: string; readonly value: string; readonly want: object; readonly bad: string; readonly why: string }
> = [
  { key: "start-delay", value: "1m30s", want: { startDelayMs: 90_000 }, bad: "soon", why: "Go's durations" },
  { key: "start-error", value: "no such file", want: { startError: "no such file" }, bad: "", why: "any text" },
  { key: "run-time", value: "30s", want: { runTime: { minMs: 30_000, maxMs: 30_000 } }, bad: "30", why: "one time" },
  {
    key: "run-time",
    value: "10s..1m",
    want: { runTime: { minMs: 10_000, maxMs: 60_000 } },
    bad: "1m..10s",
    why: "a range, in order"
  },
  {
    key: "crash-after",
    value: "5s",
    want: { crashAfter: { minMs: 5000, maxMs: 5000 } },
    bad: "-5s",
    why: "not before"
  },
  { key: "crash-times", value: "3", want: { crashTimes: 3 }, bad: "3.5", why: "whole times" },
  { key: "exit-code", value: "7", want: { exitCode: 7 }, bad: "256", why: "exit codes are bytes" },
  { key: "termination-message", value: "bye", want: { message: "bye" }, bad: "", why: "any text" },
  { key: "on-term", value: "ignore", want: { onTerm: "ignore" }, bad: "never", why: "deaf to SIGTERM" },
  { key: "on-term", value: "2s", want: { onTerm: 2000 }, bad: "2", why: "takes its time" },
  { key: "ready-after", value: "20s", want: { readyAfterMs: 20_000 }, bad: "x", why: "a duration" },
  {
    key: "unhealthy",
    value: "1m..2m",
    want: { unhealthy: { minMs: 60_000, maxMs: 120_000 } },
    bad: "1m..2m..3m",
    why: "a window"
  },
  {
    key: "log",
    value: "one\n@5s two\nthree\n",
    want: { log: [{ atMs: 0, text: "one" }, { atMs: 5000, text: "two" }, { atMs: 5000, text: "three" }] },
    bad: "@soon two",
    why: "a time counts for the lines that follow"
  },
  { key: "cpu", value: "250m", want: { cpuMillicores: 250 }, bad: "much", why: "a quantity" },
  { key: "memory", value: "64Mi", want: { memoryBytes: 64 * 2 ** 20 }, bad: "-1", why: "not less than nothing" },
  { key: "memory-growth", value: "1Ki", want: { memoryGrowthBytes: 1024 }, bad: "x", why: "bytes a second" }
]

const pulls: typeof rows = [
  { key: "pull-time", value: "8s", want: { pullTime: { minMs: 8000, maxMs: 8000 } }, bad: "x", why: "a duration" },
  { key: "pull-error", value: "denied", want: { pullError: "denied" }, bad: "", why: "a known problem" },
  { key: "pull-error", value: "disk full", want: { pullError: { detail: "disk full" } }, bad: "", why: "in own words" }
]

describe("behaviour by annotation", () => {
  it.each(rows)("$key: $value: $why", ({ bad, key, value, want }) => {
    assert.deepStrictEqual(behaviourOf(all(key, value), "main"), Result.succeed(want))
    if (bad === "") return
    const refused = behaviourOf(all(key, bad), "main")
    assert.isTrue(Result.isFailure(refused))
    if (Result.isFailure(refused)) assert.include(refused.failure, `sim.kubeffect.dev/${key}: wants `)
  })

  it.each(pulls)(
    "$key: $value: $why",
    ({ key, value, want }) => assert.deepStrictEqual(pullBehaviourOf(all(key, value)), Result.succeed(want))
  )

  it("has a row for every annotation", () =>
    assert.sameMembers([...behaviourKeys], [...new Set([...rows, ...pulls].map(({ key }) => key))]))

  it("what is said of one container counts more than what is said of all", () => {
    const annotations = { ...all("exit-code", "1"), "main.sim.kubeffect.dev/exit-code": "2" }
    assert.deepStrictEqual(behaviourOf(annotations, "main"), Result.succeed({ exitCode: 2 }))
    assert.deepStrictEqual(behaviourOf(annotations, "other"), Result.succeed({ exitCode: 1 }))
  })

  it("other annotations say nothing", () =>
    assert.deepStrictEqual(behaviourOf({ "example.com/run-time": "x" }, "main"), Result.succeed({})))

  it("a drawn time lies in its range, ends included", () => {
    const times = { minMs: 10, maxMs: 1009 }
    assert.strictEqual(drawnMs(times, 0), 10)
    assert.strictEqual(drawnMs(times, 999), 1009)
    assert.strictEqual(drawnMs(times, 4_000_000_500), 510)
  })
})
