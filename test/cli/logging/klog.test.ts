import { assert, describe, it } from "@effect/vitest"
import { Console, Effect } from "effect"
import { type Entry, jsonLine, layer, logWarnings, textLine } from "../../../src/cli/logging/klog.ts"

const entry: Entry = {
  severity: "W",
  verbosity: 0,
  date: new Date("2026-11-22T09:08:07.006Z"),
  message: "watch \"broke\"",
  values: [["pod", "a/b"]]
}

/** What a program logs, as JSON. */
const logged = (verbosity: number, program: Effect.Effect<void>) =>
  Effect.gen(function*() {
    const lines: Array<string> = []
    const console = { ...globalThis.console, error: (line: string) => void lines.push(line) }
    yield* program.pipe(
      Effect.provide(layer({ format: "json", verbosity })),
      Effect.provideService(Console.Console, console)
    )
    return lines.map((line): { readonly msg: string; readonly err?: string; readonly pod?: string } => JSON.parse(line))
  })

describe("T4: the log", () => {
  it("text is as klog has it", () =>
    assert.strictEqual(
      textLine(entry, 42),
      `W1122 09:08:07.006000      42 kubeffect] "watch \\"broke\\"" pod="a/b"`
    ))

  it.effect.each([
    { format: "json", options: { text: {}, json: { splitStream: true } }, want: [["told", "warned"], ["failed"]] },
    { format: "text", options: { text: { splitStream: true }, json: {} }, want: [["told", "warned"], ["failed"]] },
    { format: "json", options: { text: { splitStream: true }, json: {} }, want: [[], ["told", "warned", "failed"]] }
  ])("$format, split as $options: $want", ({ format, options, want }) =>
    Effect.gen(function*() {
      const out: Array<string> = []
      const err: Array<string> = []
      const console = {
        ...globalThis.console,
        log: (line: string) => void out.push(line),
        error: (line: string) => void err.push(line)
      }
      yield* Effect.logInfo("told").pipe(
        Effect.andThen(Effect.logWarning("warned")),
        Effect.andThen(Effect.logError("failed")),
        Effect.provide(layer({ format, verbosity: 0, options })),
        Effect.provideService(Console.Console, console)
      )
      const words = (lines: ReadonlyArray<string>) => lines.map((line) => /told|warned|failed/.exec(line)?.[0] ?? "")
      assert.deepStrictEqual([words(out), words(err)], want)
    }))

  it("what has no effect is said", () => {
    assert.deepStrictEqual(logWarnings({ format: "text", verbosity: 2 }), [])
    const [warning] = logWarnings({ format: "text", verbosity: 2, vmodule: [{ filePattern: "a*", verbosity: 5 }] })
    assert.match(warning ?? "", /^logging\.vmodule has no effect/)
  })

  it("JSON is as Kubernetes' components have it", () => {
    assert.deepEqual(JSON.parse(jsonLine(entry)), {
      ts: Date.parse("2026-11-22T09:08:07.006Z"),
      caller: "kubeffect",
      msg: "watch \"broke\"",
      v: 0,
      pod: "a/b"
    })
    assert.notProperty(JSON.parse(jsonLine({ ...entry, severity: "E" })), "v")
  })

  it.effect.each<{ failing: Effect.Effect<never, unknown>; want: string; why: string }>([
    { failing: Effect.fail(new Error("no disk")), want: "no disk", why: "a failure is its message" },
    { failing: Effect.fail("no disk"), want: "no disk", why: "whatever it is" }
  ])("a foreseen failure is one line: $why", ({ failing, want }) =>
    Effect.gen(function*() {
      const lines = yield* logged(0, Effect.catchCause(failing, (cause) => Effect.logError("loop failed", cause)))
      assert.deepEqual(lines.map(({ err, msg }) => [msg, err]), [["loop failed", want]])
    }))

  it.effect("a defect comes with where it happened", () =>
    Effect.gen(function*() {
      const broken = Effect.die(new Error("bug"))
      const [line] = yield* logged(0, Effect.catchCause(broken, (cause) => Effect.logError("loop broke", cause)))
      assert.match(line?.err ?? "", /Error: bug\n\s+at /)
    }))

  it.effect.each([
    { verbosity: 0, want: ["told", "warned"] },
    { verbosity: 4, want: ["detail", "told", "warned"] }
  ])("verbosity $verbosity shows $want", ({ verbosity, want }) =>
    Effect.gen(function*() {
      const entries = yield* logged(
        verbosity,
        Effect.logDebug("detail").pipe(
          Effect.andThen(Effect.logInfo("told", { pod: "a/b" })),
          Effect.andThen(Effect.logWarning("warned", new Error("no disk")))
        )
      )
      assert.deepEqual(entries.map(({ msg }) => msg), want)
      assert.strictEqual(entries.find(({ msg }) => msg === "told")?.pod, "a/b")
      assert.strictEqual(entries.at(-1)?.err, "no disk")
    }))
})
