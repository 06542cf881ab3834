import { NodeServices } from "@effect/platform-node"
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { readFileSync } from "node:fs"
import { join } from "node:path"
import * as Yaml from "yaml"
import { demoImage, demoImageName } from "../../../src/cli/up/demoImage.ts"
import { kubeconfig } from "../../../src/layers/api/memory/kubeconfig.ts"

describe("the demo's image", () => {
  it.effect("has a shell and sleep, under the name that the manifest asks for", () =>
    Effect.gen(function*() {
      const { source } = yield* demoImage()
      const paths = source.entries.map(({ path }) => path)
      assert.includeMembers(paths, ["bin/sh", "bin/sleep"])
      const manifest = Yaml.parse(readFileSync(join(import.meta.dirname, "../../../examples/hello.yaml"), "utf8"))
      assert.strictEqual(source.name, demoImageName)
      assert.isTrue(demoImageName.endsWith(`/${manifest.spec.containers[0].image}`))
    }).pipe(Effect.provide(NodeServices.layer)))
})

describe("the demo's image without a busybox", () => {
  it.effect("has the machine's shell, with the libraries that it loads", () =>
    Effect.gen(function*() {
      const { madeOf, source } = yield* demoImage([])
      const paths = source.entries.map(({ path }) => path)
      assert.strictEqual(madeOf, "this machine's own shell")
      assert.includeMembers(paths, ["bin/sh", "bin/sleep"])
      assert.isTrue(paths.some((path) => /(libc\.|ld-)/.test(path)), paths.join(" "))
    }).pipe(Effect.provide(NodeServices.layer)))
})

describe("the kubeconfig", () => {
  it("names one server and one user", () => {
    const { clusters, contexts, users, "current-context": current } = Yaml.parse(
      kubeconfig({ url: "https://127.0.0.1:1", certificateAuthority: "ca" }, { token: "t" })
    )
    assert.deepEqual(clusters, [{
      name: current,
      cluster: { server: "https://127.0.0.1:1", "certificate-authority-data": "Y2E=" }
    }])
    assert.deepEqual(users, [{ name: current, user: { token: "t" } }])
    assert.strictEqual(contexts[0].context.namespace, "default")
  })
})
