import { assert, it } from "@effect/vitest"
import { readFileSync } from "node:fs"
import { join } from "node:path"
import { configurationDoc } from "../../scripts/configurationDoc.ts"

it("docs/configuration.md is what `npm run docs` writes", () =>
  assert.strictEqual(readFileSync(join(import.meta.dirname, "../../docs/configuration.md"), "utf8"), configurationDoc))
