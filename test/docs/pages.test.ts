/** The pages that are made by scripts say what is so. */
import { assert, describe, it } from "@effect/vitest"
import { readFileSync } from "node:fs"
import { join } from "node:path"
import { differencesPage } from "../../scripts/differencesPage.ts"
import { parityPage, parityProblems } from "../../scripts/parityPage.ts"
import { explanations } from "../golden/differences.ts"
import { recordedCases } from "../golden/recording.ts"

const page = (name: string) => readFileSync(join(import.meta.dirname, "../../docs", name), "utf8")

describe("docs/parity.md", () => {
  it("has a test or a reason for every id", () => assert.deepStrictEqual(parityProblems, []))

  it("is what `npm run docs` writes", () => assert.strictEqual(page("parity.md"), parityPage))
})

describe("docs/differences.md", () => {
  it("is what `npm run docs` writes", () => assert.strictEqual(page("differences.md"), differencesPage))

  it("names only cases that were recorded", () => {
    const named = explanations.flatMap(({ cases }) => cases === "all" ? [] : cases)
    assert.deepStrictEqual(named.filter((name) => !recordedCases.includes(name)), [])
  })
})
