import { assert, describe, it } from "@effect/vitest"
import { Effect, Layer, Metric } from "effect"
import { createHash } from "node:crypto"
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { CredentialPlugins } from "../../../src/layers/credentials/CredentialPlugins.ts"
import * as CredentialPluginsLive from "../../../src/layers/credentials/CredentialPluginsLive.ts"
import * as HostFilesLive from "../../../src/layers/host/HostFilesLive.ts"
import * as ProcessesLive from "../../../src/layers/host/ProcessesLive.ts"
import { credentialPluginsContract, pluginApiVersion } from "../../contract/CredentialPluginsContract.ts"

const programs = {
  echo: `request=$(cat)
token=$(echo "$request" | sed 's/.*"serviceAccountToken":"\\([^"]*\\)".*/\\1/')
image=$(echo "$request" | sed 's/.*"image":"\\([^"]*\\)".*/\\1/')
role=$(echo "$request" | sed 's/.*"role":"\\([^"]*\\)".*/\\1/')
cat <<EOF
{"kind":"CredentialProviderResponse","apiVersion":"${pluginApiVersion}","cacheKeyType":"Registry","cacheDuration":"5s",
 "auth":{"$image":{"username":"$token","password":"$GREETING $role $*"}}}
EOF`,
  fails: "echo no network >&2; exit 3",
  babbles: "echo my secret",
  hangs: "exec sleep 600"
}

const configuration = (names: ReadonlyArray<string>) =>
  JSON.stringify({
    apiVersion: "kubelet.config.k8s.io/v1",
    kind: "CredentialProviderConfig",
    providers: names.map((name) => ({
      name,
      matchImages: ["*.r.io"],
      defaultCacheDuration: "1m",
      apiVersion: pluginApiVersion,
      args: ["--of", name],
      env: [{ name: "GREETING", value: "hello" }]
    }))
  })

/** A folder of plugins and one of configurations, for as long as the scope lives. */
const ground = Effect.acquireRelease(
  Effect.sync(() => {
    const folder = mkdtempSync(join(tmpdir(), "kubeffect-plugins-"))
    mkdirSync(join(folder, "bin"))
    mkdirSync(join(folder, "config"))
    for (const [name, script] of Object.entries(programs)) {
      writeFileSync(join(folder, "bin", name), `#!/bin/sh\n${script}\n`, { mode: 0o755 })
    }
    return { bin: join(folder, "bin"), config: join(folder, "config"), folder }
  }),
  ({ folder }) => Effect.sync(() => rmSync(folder, { recursive: true }))
)

const machine = Layer.mergeAll(HostFilesLive.layer, ProcessesLive.layer)
const live = (config: string, binDir: string) =>
  CredentialPluginsLive.layer({ config, binDir, tokensAllowed: true }).pipe(Layer.provide(machine))

credentialPluginsContract(
  "live, from a folder of configurations",
  Layer.unwrap(Effect.map(ground, ({ bin, config }) => {
    writeFileSync(join(config, "10-first.yaml"), configuration(["echo", "fails"]))
    writeFileSync(join(config, "20-second.json"), configuration(["babbles", "hangs"]))
    writeFileSync(join(config, "notes.txt"), "not a configuration")
    return live(config, bin)
  }))
)

describe("CredentialPlugins: live", () => {
  const refusal = (write: (config: string) => void, binDir?: string) =>
    Effect.gen(function*() {
      const { bin, config, folder } = yield* ground
      write(config)
      const error = yield* Effect.flip(Effect.scoped(Layer.build(live(config, binDir ?? bin))))
      return error.message.replaceAll(folder, "")
    })

  it.effect("N6: the start fails with the name of what is wrong", () =>
    Effect.gen(function*() {
      const one = (text: string) => (config: string) => writeFileSync(join(config, "a.yaml"), text)
      assert.strictEqual(
        yield* refusal(() => {}),
        "credential provider config /config: no configuration files found in directory"
      )
      assert.strictEqual(
        yield* refusal(one(configuration(["absent"]))),
        "credential provider config /bin/absent: plugin binary executable /bin/absent did not exist"
      )
      assert.strictEqual(
        yield* refusal(one(configuration(["echo"])), "/no/such"),
        "credential provider config /no/such: plugin binary directory /no/such did not exist"
      )
      assert.include(yield* refusal(one("a: [")), "credential provider config /config/a.yaml: ")
      const nameless = configuration(["echo"]).replace("\"name\":\"echo\",", "")
      assert.strictEqual(
        yield* refusal(one(nameless)),
        "credential provider config /config/a.yaml: providers[0].name: Required value"
      )
    }))

  it.effect("N6: the hash of the configuration in force is a metric", () =>
    Effect.gen(function*() {
      const { bin, config } = yield* ground
      const text = configuration(["echo"])
      writeFileSync(join(config, "a.yaml"), text)
      yield* Layer.build(live(config, bin))
      const length = Buffer.alloc(8)
      length.writeUInt32BE(Buffer.byteLength(text), 4)
      const hash = `sha256:${createHash("sha256").update(length).update(text).digest("hex")}`
      const told = (yield* Metric.snapshot).filter(({ id }) => id === "kubelet_credential_provider_config_info")
      assert.include(told.map(({ attributes }) => attributes?.["hash"]), hash)
    }))

  it.effect("without the two flags there are no plugins", () =>
    Effect.gen(function*() {
      const { providers } = yield* Effect.provide(CredentialPlugins, live("", ""))
      assert.deepStrictEqual(providers, [])
    }))
})
