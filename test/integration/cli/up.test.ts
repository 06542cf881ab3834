import { assert, describe, it } from "@effect/vitest"
import { execFileSync, spawnSync } from "node:child_process"
import { readdirSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"

const leftovers = () => [
  ...readdirSync(tmpdir()).filter((name) => name.startsWith("kubeffect-up-")),
  ...execFileSync("ip", ["-o", "link"], { encoding: "utf8" }).match(/\bkfx\d+/g) ?? []
]

describe("kubeffect up on this machine", () => {
  it("runs the demo in a real container, shows its log, ends with 0 and leaves nothing behind", () => {
    const before = leftovers()
    const { status, stderr, stdout } = spawnSync(
      join(import.meta.dirname, "../../../bin/kubeffect"),
      ["up", "--demo", "--exit"],
      { encoding: "utf8", timeout: 110_000 }
    )
    assert.strictEqual(status, 0, `${stdout}\n${stderr}`)
    assert.include(stdout, "runtime: a containerd of its own")
    assert.match(stdout, /pod {2}default\/hello {2}1\/1 {2}Running/)
    assert.include(stdout, "  | hello from pod hello on node kubeffect\n")
    assert.deepEqual(leftovers().filter((name) => !before.includes(name)), [])
  })
})
