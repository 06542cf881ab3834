/** Writes the pages of docs/ that are made of what is in the code and its tests. */
import { writeFileSync } from "node:fs"
import { join } from "node:path"
import { configurationDoc } from "./configurationDoc.ts"
import { differencesPage } from "./differencesPage.ts"
import { parityPage, parityProblems } from "./parityPage.ts"

const write = (name: string, text: string) => writeFileSync(join(import.meta.dirname, "../docs", name), text)

write("configuration.md", configurationDoc)
write("differences.md", differencesPage)
write("parity.md", parityPage)
for (const problem of parityProblems) console.error(problem)
if (parityProblems.length > 0) process.exitCode = 1
