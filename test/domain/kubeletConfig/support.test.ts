import { assert, describe, it } from "@effect/vitest"
import { supportWarning } from "../../../src/domain/kubeletConfig/support.ts"

describe("settings without effect", () => {
  it("one warning names them all, and why", () =>
    assert.strictEqual(
      supportWarning(new Set(["maxPods", "volumePluginDir", "contentType"] as const)),
      "settings without effect: contentType (the API server is spoken to in JSON); " +
        "volumePluginDir (Flexvolume drivers are not supported; use CSI)"
    ))

  it("nothing is said when everything set has an effect", () =>
    assert.isUndefined(supportWarning(new Set(["maxPods", "port"] as const))))
})
