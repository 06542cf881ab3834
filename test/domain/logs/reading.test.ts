import { assert, describe, it } from "@effect/vitest"
import { Option } from "effect"
import * as FastCheck from "fast-check"
import { parseInstant } from "../../../src/domain/logs/entry.ts"
import { type LogFilter, read, readRest, startReading } from "../../../src/domain/logs/reading.ts"

const all: LogFilter = {
  since: Option.none(),
  timestamps: false,
  limitBytes: Option.none(),
  stream: "All",
  maxEntries: Option.none()
}
const bytes = (text: string) => new TextEncoder().encode(text)
const text = (data: Uint8Array) => new TextDecoder().decode(data)
const at = (time: string) => Option.map(parseInstant(time), ({ nanos, seconds }) => ({ seconds, nanos }))

const file = [
  "2026-01-02T03:04:05.1Z stdout F one",
  "2026-01-02T03:04:06.000000002Z stderr F two",
  "2026-01-02T05:04:07.5+02:00 stdout P thr",
  "2026-01-02T05:04:07.6+02:00 stdout F ee",
  "2026-01-02T03:04:08Z stdout F:x ",
  "2026-01-02T03:04:09Z stdout F last"
].map((line) => `${line}\n`).join("")

/** Feeds the file in pieces of the given sizes, then its end. */
const run = (filter: LogFilter, input: Uint8Array, sizes: ReadonlyArray<number> = []) => {
  let state = startReading(filter)
  let output = ""
  let malformed = 0
  let from = 0
  for (const size of [...sizes, input.length]) {
    const step = read(filter, state, input.subarray(from, from + size))
    from = Math.min(from + size, input.length)
    state = step.state
    output += text(step.output)
    malformed += step.malformed
  }
  const rest = readRest(filter, state)
  return { output: output + text(rest.output), done: rest.done, malformed: malformed + rest.malformed }
}

describe("reading a log", () => {
  it.each([
    { why: "O4: times and streams are removed, P lines joined", filter: {}, want: "one\ntwo\nthree\n\nlast\n" },
    {
      why: "O4: timestamps have nine digits, keep their zone and come once a line",
      filter: { timestamps: true },
      want: "2026-01-02T03:04:05.100000000Z one\n2026-01-02T03:04:06.000000002Z two\n"
        + "2026-01-02T05:04:07.500000000+02:00 three\n2026-01-02T03:04:08.000000000Z \n"
        + "2026-01-02T03:04:09.000000000Z last\n"
    },
    { why: "stderr alone", filter: { stream: "Stderr" as const }, want: "two\n" },
    {
      why: "entries at the time itself are shown",
      filter: { since: at("2026-01-02T03:04:06.000000002Z") },
      want: "two\nthree\n\nlast\n"
    },
    {
      why: "a nanosecond later they are not",
      filter: { since: at("2026-01-02T03:04:06.000000003Z") },
      want: "three\n\nlast\n"
    },
    { why: "the limit cuts within a line", filter: { limitBytes: Option.some(6) }, want: "one\ntw" },
    {
      why: "the limit counts timestamps",
      filter: { limitBytes: Option.some(33), timestamps: true },
      want: "2026-01-02T03:04:05.100000000Z on"
    },
    { why: "entries are counted, not lines", filter: { maxEntries: Option.some(3) }, want: "one\ntwo\nthr" }
  ])("$why", ({ filter, want }) => {
    assert.strictEqual(run({ ...all, ...filter }, bytes(file)).output, want)
  })

  it("gives the same however the file comes in pieces", () => {
    FastCheck.assert(FastCheck.property(
      FastCheck.array(FastCheck.integer({ min: 0, max: 40 }), { maxLength: 30 }),
      FastCheck.boolean(),
      FastCheck.option(FastCheck.integer({ min: 1, max: 120 }), { nil: undefined }),
      (sizes, timestamps, limit) => {
        const filter = { ...all, timestamps, limitBytes: Option.fromUndefinedOr(limit) }
        assert.strictEqual(run(filter, bytes(file), sizes).output, run(filter, bytes(file)).output)
      }
    ))
  })

  it("keeps bytes that are not text", () => {
    const content = Uint8Array.from([0xff, 0x00, 0xfe, 0x0a])
    const input = new Uint8Array([...bytes("2026-01-02T03:04:05Z stdout F "), ...content])
    assert.deepStrictEqual(read(all, startReading(all), input).output, content)
  })

  it("skips what is no entry, and counts it", () => {
    const { malformed, output } = run(all, bytes(`garbage\n\nx y z w\n${file}`))
    assert.strictEqual(output, "one\ntwo\nthree\n\nlast\n")
    assert.strictEqual(malformed, 3)
  })

  it("reads the JSON lines of Docker's driver", () => {
    const lines = `{"log":"a\\n","stream":"stdout","time":"2026-01-02T03:04:05.5Z"}\n{"log":1}\n{bad\n`
    const { malformed, output } = run({ ...all, timestamps: true }, bytes(lines))
    assert.strictEqual(output, "2026-01-02T03:04:05.500000000Z a\n")
    assert.strictEqual(malformed, 2)
  })

  it("holds back an entry without its newline until the file has ended", () => {
    const step = read(all, startReading(all), bytes("2026-01-02T03:04:05Z stdout F half"))
    assert.strictEqual(step.output.length, 0)
    assert.strictEqual(text(readRest(all, step.state).output), "half")
  })
})
