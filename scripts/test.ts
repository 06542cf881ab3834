/**
 * Runs the tests: the `unit` project always, the `integration` project where it can run (root and a containerd binary)
 * and always when CI=true, where a test that does not find what it needs fails. Arguments go to vitest. The last line is
 * `N passed, N failed`.
 */
import { spawnSync } from "node:child_process"
import { accessSync, constants, mkdtempSync, readFileSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { delimiter, join } from "node:path"

const root = join(import.meta.dirname, "..")
const args = process.argv.slice(2)

const executable = (path: string): boolean => {
  try {
    accessSync(path, constants.X_OK)
    return true
  } catch {
    return false
  }
}
const inPath = (command: string): boolean =>
  [...(process.env.PATH ?? "").split(delimiter), "/usr/sbin", "/usr/local/bin"].some((dir) =>
    executable(join(dir, command))
  )

const missing = [
  ...(process.getuid?.() === 0 ? [] : ["root"]),
  ...["containerd", "runc"].filter((command) => !inPath(command))
]
const inCi = process.env.CI === "true"
const chosen = args.includes("--project") || args.some((arg) => arg.startsWith("--project="))
const integration = missing.length === 0 || inCi
if (!integration && !chosen) {
  console.log(`integration tests are left out: ${missing.join(" and ")} missing (see README, Testing)`)
}

const scratch = mkdtempSync(join(tmpdir(), "kubeffect-test-"))
const report = join(scratch, "report.json")
const result = spawnSync(
  process.execPath,
  [
    join(root, "node_modules/vitest/vitest.mjs"),
    "run",
    ...(chosen ? [] : ["--project", "unit", ...(integration ? ["--project", "integration"] : [])]),
    "--reporter=default",
    "--reporter=json",
    `--reporter=${join(import.meta.dirname, "FailureLines.ts")}`,
    `--outputFile.json=${report}`,
    ...args
  ],
  { cwd: root, stdio: "inherit" }
)

try {
  const { numPassedTests, numFailedTests, numFailedTestSuites, success } = JSON.parse(readFileSync(report, "utf8"))
  // A file that does not load has no failed tests of its own, and must not look like a success.
  const failed = numFailedTests === 0 && !success ? Math.max(numFailedTestSuites, 1) : numFailedTests
  console.log(`${numPassedTests} passed, ${failed} failed`)
} catch {
  console.log("0 passed, 1 failed: vitest ended without a report")
}
rmSync(scratch, { recursive: true })
process.exitCode = result.status ?? 1
