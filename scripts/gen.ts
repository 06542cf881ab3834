/** Regenerates `src/gen` from `proto/`, offline: both tools come from npm. */
import { spawnSync } from "node:child_process"
import { join } from "node:path"

const root = join(import.meta.dirname, "..")
const bin = join(root, "node_modules/.bin")
const result = spawnSync(join(bin, "buf"), ["generate"], {
  cwd: root,
  stdio: "inherit",
  env: { ...process.env, PATH: `${bin}:${process.env.PATH}` }
})
process.exitCode = result.status ?? 1
