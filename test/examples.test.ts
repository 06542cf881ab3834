import { assert, describe, it } from "@effect/vitest"
import { Console, Effect, References } from "effect"
import { embedded } from "../examples/embed.ts"
import { swapped } from "../examples/swap-layer.ts"

/** What an example prints. The clock is the machine's: they are programs, not tests. */
const printed = <E>(example: Effect.Effect<void, E>) =>
  Effect.gen(function*() {
    const lines: Array<string> = []
    const console: Console.Console = { ...globalThis.console, log: (line: string) => void lines.push(line) }
    yield* example.pipe(
      Effect.provideService(Console.Console, console),
      Effect.provideService(References.MinimumLogLevel, "Error")
    )
    return lines
  })

describe("examples", () => {
  it.live("embed.ts runs a node inside another program", () =>
    Effect.gen(function*() {
      assert.deepEqual(yield* printed(embedded), [
        "counter is Pending",
        "counter is Running",
        "counter is Succeeded"
      ])
    }))

  it.live("swap-layer.ts runs a pod over a replaced runtime", () =>
    Effect.gen(function*() {
      const lines = yield* printed(swapped)
      assert.isTrue(lines.some((line) => line.includes("the runtime has a bad day")), lines.join("\n"))
      assert.strictEqual(lines.at(-1), "ready")
    }))
})
