import { NodeServices } from "@effect/platform-node"
import { assert, layer } from "@effect/vitest"
import { Effect, FileSystem, Result } from "effect"
import { invocation } from "../../../src/cli/kubelet/invocation.ts"
import { loadConfig } from "../../../src/cli/kubelet/loadConfig.ts"

const head = "apiVersion: kubelet.config.k8s.io/v1beta1\nkind: KubeletConfiguration\n"

/** A folder with these files, gone with the test. */
const folder = Effect.fnUntraced(function*(files: Record<string, string>) {
  const fs = yield* FileSystem.FileSystem
  const path = yield* fs.makeTempDirectoryScoped()
  for (const [name, text] of Object.entries(files)) {
    yield* fs.makeDirectory(`${path}/${name.split("/").slice(0, -1).join("/")}`, { recursive: true })
    yield* fs.writeFileString(`${path}/${name}`, text)
  }
  return path
})

const load = (given: Record<string, ReadonlyArray<string>>) => loadConfig(Result.getOrThrow(invocation(given)))

layer(NodeServices.layer)("loading the configuration", (it) => {
  it.effect("A1, A2, A3: file, drop-ins in path order, flags", () =>
    Effect.gen(function*() {
      const dir = yield* folder({
        "kubelet.yaml": `${head}maxPods: 1\nport: 1\npodsPerCore: 1\nhealthzPort: 1\nstaticPodPath: manifests\n`,
        "conf.d/20-b.conf": `${head}port: 20\nhealthzPort: 20\n`,
        "conf.d/10-a.conf": `${head}port: 10\npodsPerCore: 10\n`,
        "conf.d/30/c.conf": `${head}healthzPort: 30\n`,
        "conf.d/40-ignored.yaml": "not a drop-in"
      })
      const { config } = yield* load({
        config: [`${dir}/kubelet.yaml`],
        "config-dir": [`${dir}/conf.d`],
        "max-pods": ["99"]
      })
      assert.deepEqual(
        [config.maxPods, config.port, config.podsPerCore, config.healthzPort, config.staticPodPath],
        [99, 20, 10, 30, `${dir}/manifests`]
      )
    }))

  it.effect("JSON is YAML", () =>
    Effect.gen(function*() {
      const dir = yield* folder({
        "k.json": `{"apiVersion":"kubelet.config.k8s.io/v1beta1","kind":"KubeletConfiguration","maxPods":5}`
      })
      assert.strictEqual((yield* load({ config: [`${dir}/k.json`] })).config.maxPods, 5)
    }))

  it.effect("whatever is wrong with a file, the error names it", () =>
    Effect.gen(function*() {
      const dir = yield* folder({
        "unknown.yaml": `${head}foo: 1\n`,
        "broken.yaml": "a: [1\n",
        "twice.yaml": `${head}port: 1\nport: 2\n`,
        "text.yaml": "hello",
        "d/bad.conf": "kind: KubeletConfiguration\n"
      })
      const rows: ReadonlyArray<readonly [flag: string, file: string, source: string, what: string]> = [
        ["config", "unknown.yaml", "unknown.yaml", `unknown field "foo"`],
        ["config", "missing.yaml", "missing.yaml", "no such file or directory"],
        ["config", "broken.yaml", "broken.yaml", "line"],
        ["config", "twice.yaml", "twice.yaml", "unique"],
        ["config", "text.yaml", "text.yaml", "not an object"],
        ["config-dir", "d", "d/bad.conf", "want apiVersion"],
        ["config-dir", "nowhere", "nowhere", "no such file or directory"]
      ]
      for (const [flag, file, source, what] of rows) {
        const error = yield* Effect.flip(load({ [flag]: [`${dir}/${file}`] }))
        assert.include(error.message, `kubelet config ${dir}/${source}: `)
        assert.include(error.message, what)
      }
    }))
})
