/** `$(NAME)` references: what they become, and that they always come to an end. */
import { assert, describe, it } from "@effect/vitest"
import * as fc from "fast-check"
import { expand, expandStrictly } from "../../../src/domain/config/expand.ts"

const known: Readonly<Record<string, string>> = { A: "a", B: "b", EMPTY: "", LOOP: "$(LOOP)", "x.y-z": "odd" }
const lookup = (name: string) => known[name]

describe("E1: references", () => {
  it.each([
    { text: "$(A)", want: "a", why: "a known name" },
    { text: "-$(A)$(B)-", want: "-ab-", why: "several" },
    { text: "$(EMPTY)", want: "", why: "an empty value" },
    { text: "$(NONE)", want: "$(NONE)", why: "unknown stays literal" },
    { text: "$$(A)", want: "$(A)", why: "escaped" },
    { text: "$$$(A)", want: "$a", why: "escape, then reference" },
    { text: "$$$$(A)", want: "$$(A)", why: "two escapes" },
    { text: "$A ${A}", want: "$A ${A}", why: "shell forms are not references" },
    { text: "$(A", want: "$(A", why: "never closed" },
    { text: "$", want: "$", why: "a lone dollar" },
    { text: "100$", want: "100$", why: "at the end" },
    { text: "$()", want: "$()", why: "no name" },
    { text: "$(x.y-z)", want: "odd", why: "any characters up to the bracket" },
    { text: "$(LOOP)", want: "$(LOOP)", why: "values are not expanded again" },
    { text: "$($(A))", want: "$($(A))", why: "names are not expanded either" },
    { text: "no", want: "no", why: "nothing to do" }
  ])("$text → $want: $why", ({ text, want }) => assert.strictEqual(expand(text, lookup), want))

  it("I11: subpaths name the first variable that is missing", () => {
    assert.deepStrictEqual(expandStrictly("$(A)/$(NONE)/$(GONE)", lookup), {
      text: "a/$(NONE)/$(GONE)",
      missing: "NONE"
    })
    assert.deepStrictEqual(expandStrictly("$(A)/x", lookup), { text: "a/x" })
  })
})

describe("for any text", () => {
  const texts = fc.array(fc.constantFrom("$", "(", ")", "$(A)", "$(LOOP)", "$(", "$$", "x"), { maxLength: 40 })
    .map((parts) => parts.join(""))

  it("looks each reference up once, however the values refer to one another", () => {
    fc.assert(fc.property(texts, (text) => {
      let lookups = 0
      expand(text, (name) => {
        lookups++
        return known[name]
      })
      assert.isAtMost(lookups, text.split("(").length - 1)
    }))
  })

  it("escaping every dollar gives the text back", () => {
    fc.assert(fc.property(texts, (text) => {
      assert.strictEqual(expand(text.replaceAll("$", "$$$$"), lookup), text)
    }))
  })
})
