/** Writes docs/configuration.md. */
import { writeFileSync } from "node:fs"
import { join } from "node:path"
import { configurationDoc } from "./configurationDoc.ts"

writeFileSync(join(import.meta.dirname, "../docs/configuration.md"), configurationDoc)
