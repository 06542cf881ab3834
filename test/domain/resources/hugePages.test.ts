import { assert, describe, it } from "@effect/vitest"
import { pageSizeName } from "../../../src/domain/resources/hugePages.ts"

describe("L8: page sizes have the kernel's names", () => {
  it.each([
    [64n * 1024n, "64KB"],
    [2n * 1024n ** 2n, "2MB"],
    [32n * 1024n ** 2n, "32MB"],
    [1024n ** 3n, "1GB"],
    [16n * 1024n ** 3n, "16GB"]
  ])("%d bytes: %s", (bytes, want) => assert.strictEqual(pageSizeName(bytes), want))
})
