/** Bugs of the kubelet's history, planted one at a time: the chaos runs must find each of them, with few faults. */
import { assert, describe, it } from "@effect/vitest"
import { execFile } from "node:child_process"
import { readFileSync } from "node:fs"
import { fileURLToPath } from "node:url"
import { promisify } from "node:util"
import { mutants } from "./mutants/mutants.ts"

const program = fileURLToPath(new URL("./mutants/play.ts", import.meta.url))
const docs = readFileSync(new URL("../../docs/chaos.md", import.meta.url), "utf8")
const faultsMax = 5

const play = async (names: ReadonlyArray<string>): Promise<ReadonlyArray<{ name: string; faults?: number }>> => {
  const { stdout } = await promisify(execFile)(process.execPath, ["--no-warnings", program, ...names])
  return stdout.trim().split("\n").map((line) => JSON.parse(line))
}

describe("mutants", () => {
  it("each is caught with few faults, and not without the mutant", async () => {
    const names = mutants.map(({ name }) => name)
    const halves = [0, 1].map((half) => names.filter((_, index) => index % 2 === half))
    const played = (await Promise.all(halves.map(play))).flat()
    assert.strictEqual(played.length, mutants.length)
    const missed = played.filter(({ faults = Number.POSITIVE_INFINITY }) => faults > faultsMax)
    assert.deepStrictEqual(missed, [])
  }, 300_000)

  it("there are at least 25, each another bug, and all are told of", () => {
    assert.isAtLeast(mutants.length, 25)
    assert.strictEqual(new Set(mutants.map(({ issue }) => issue)).size, mutants.length)
    const untold = mutants.filter(({ issue, name }) => !docs.includes(`| ${name} |`) || !docs.includes(`#${issue}`))
    assert.deepStrictEqual(untold.map(({ name }) => name), [])
  })
})
