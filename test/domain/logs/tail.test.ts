import { assert, describe, it } from "@effect/vitest"
import * as FastCheck from "fast-check"
import { scanTail, startTail } from "../../../src/domain/logs/tail.ts"

const find = (file: Uint8Array, lines: number, blockBytes: number): number => {
  let step = startTail(lines, file.length)
  while (step._tag === "More") {
    const to = step.search.scannedFrom
    step = scanTail(step.search, file.subarray(Math.max(0, to - blockBytes), to), file.length)
  }
  return step.offset
}
const bytes = (text: string) => new TextEncoder().encode(text)

describe("the tail of a log", () => {
  it.each([
    { file: "a\nb\nc\n", lines: 0, want: 6, why: "no lines: the end" },
    { file: "a\nb\nc\n", lines: 1, want: 4, why: "the newline that ends the file is no line" },
    { file: "a\nb\nc\n", lines: 2, want: 2, why: "two lines" },
    { file: "a\nb\nc\n", lines: 3, want: 0, why: "all of them" },
    { file: "a\nb\nc\n", lines: 9, want: 0, why: "more than there are" },
    { file: "a\nb\nc", lines: 1, want: 4, why: "an unfinished line counts" },
    { file: "\n\n\n", lines: 1, want: 2, why: "an empty line counts" },
    { file: "", lines: 3, want: 0, why: "an empty file" }
  ])("$lines of $file: $why", ({ file, lines, want }) => {
    for (const block of [1, 2, 3, 100]) {
      assert.strictEqual(find(bytes(file), lines, block), want, `blocks of ${block}`)
    }
  })

  it("finds as many lines as asked for, whatever the block size", () => {
    FastCheck.assert(FastCheck.property(
      FastCheck.array(FastCheck.constantFrom("", "x", "abc", "é", "longer line")),
      FastCheck.nat(8),
      FastCheck.integer({ min: 1, max: 12 }),
      (lines, wanted, block) => {
        const file = bytes(lines.map((line) => `${line}\n`).join(""))
        const offset = find(file, wanted, block)
        const rest = new TextDecoder().decode(file.subarray(offset))
        assert.strictEqual(rest, lines.slice(Math.max(0, lines.length - wanted)).map((line) => `${line}\n`).join(""))
      }
    ))
  })
})
