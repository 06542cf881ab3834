/** Writes docs/differences.md. */
import { writeFileSync } from "node:fs"
import { join } from "node:path"
import { differencesPage } from "./differencesPage.ts"

writeFileSync(join(import.meta.dirname, "../docs/differences.md"), differencesPage)
