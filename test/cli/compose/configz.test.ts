import { assert, it } from "@effect/vitest"
import { Result } from "effect"
import { configz } from "../../../src/cli/compose/node.ts"
import { apiVersion, kind } from "../../../src/domain/kubeletConfig/file.ts"
import { effectiveConfig } from "../../../src/domain/kubeletConfig/layering.ts"

it("/configz shows a file that makes the same configuration", () => {
  const document = { apiVersion, kind, maxPods: 7, syncFrequency: "90s", logging: { flushFrequency: "3s" } }
  const { config } = Result.getOrThrow(effectiveConfig({
    file: { source: "a", document },
    dropIns: [],
    flags: []
  }))
  const shown = JSON.parse(JSON.stringify(configz(config)))
  assert.strictEqual(shown.syncFrequency, "1m30s")
  assert.strictEqual(shown.maxPods, 7)
  const again = Result.getOrThrow(effectiveConfig({ file: { source: "b", document: shown }, dropIns: [], flags: [] }))
  assert.deepEqual(again.config, config)
})
