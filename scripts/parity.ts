/** Writes docs/parity.md, and says what keeps it from being true. */
import { writeFileSync } from "node:fs"
import { join } from "node:path"
import { parityPage, parityProblems } from "./parityPage.ts"

writeFileSync(join(import.meta.dirname, "../docs/parity.md"), parityPage)
for (const problem of parityProblems) console.error(problem)
if (parityProblems.length > 0) process.exitCode = 1
