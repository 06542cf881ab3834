import { assert, describe, it } from "@effect/vitest"
import { spawnSync } from "node:child_process"
import { join } from "node:path"

describe("kubeffect up with a simulated runtime", { timeout: 60_000 }, () => {
  it("runs the demo on the real agent, shows its log and ends with 0", () => {
    const { status, stderr, stdout } = spawnSync(
      join(import.meta.dirname, "../../../bin/kubeffect"),
      ["up", "--simulated", "--demo", "--exit"],
      { encoding: "utf8", timeout: 55_000 }
    )
    assert.strictEqual(status, 0, `${stdout}\n${stderr}`)
    assert.include(stdout, "runtime: simulated, as asked; no containers run, they are played\n")
    assert.match(stdout, /pod {2}default\/hello {2}1\/1 {2}Running/)
    assert.include(stdout, "  | hello from pod hello on node kubeffect\n")
  })
})
