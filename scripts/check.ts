/**
 * The one door for everything that can be checked without running the project: types, Effect's diagnostics, lint with the
 * import rules, formatting, unused code. Runs all of them, shows what failed, ends with 1 if any did. The rules that
 * need a look at the text of the repository itself are in `test/tidy.test.ts`.
 */
import { spawnSync } from "node:child_process"
import { join } from "node:path"

const root = join(import.meta.dirname, "..")
const bin = join(root, "node_modules/.bin")

const steps: ReadonlyArray<readonly [name: string, command: string, ...args: Array<string>]> = [
  ["types", "tsc", "-p", "."],
  ["effect", "effect-tsgo", "diagnostics", "--project", "tsconfig.json", "--severity", "error"],
  ["lint", "oxlint", "--deny-warnings"],
  ["format", "dprint", "check"],
  ["unused", "knip"]
]

const failed: Array<string> = []
for (const [name, command, ...args] of steps) {
  const begin = performance.now()
  const result = spawnSync(join(bin, command), args, {
    cwd: root,
    encoding: "utf8",
    env: { ...process.env, PATH: `${bin}:${process.env.PATH}` }
  })
  const seconds = ((performance.now() - begin) / 1000).toFixed(1)
  if (result.status === 0) {
    console.log(`ok      ${name} (${seconds} s)`)
    continue
  }
  failed.push(name)
  console.log(`FAILED  ${name} (${seconds} s): ${command} ${args.join(" ")}`)
  console.log(`${result.stdout ?? ""}${result.stderr ?? ""}${result.error?.message ?? ""}`)
}
console.log(failed.length === 0 ? "check: all passed" : `check: failed: ${failed.join(", ")}`)
process.exitCode = failed.length === 0 ? 0 : 1
