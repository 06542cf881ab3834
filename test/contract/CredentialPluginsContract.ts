/**
 * What every `CredentialPlugins` promises. Under test are the plugins `echo`, which knows a password for what it is asked
 * about and shows the token it was given as the user's name, `fails`, `babbles` and `hangs`, in this order.
 */
import { assert, layer } from "@effect/vitest"
import { Effect, Fiber, type Layer } from "effect"
import type { CredentialProvider } from "../../src/domain/images/credentialProviders.ts"
import { CredentialPlugins } from "../../src/layers/credentials/CredentialPlugins.ts"

export const pluginApiVersion = "credentialprovider.kubelet.k8s.io/v1"

export const providerNamed = (name: string): CredentialProvider => ({
  name,
  matchImages: ["*.r.io"],
  defaultCacheMs: 60_000,
  apiVersion: pluginApiVersion,
  args: ["--of", name],
  env: { GREETING: "hello" }
})

const request = {
  image: "eu.r.io/app",
  account: { coordinates: { uid: "u", namespace: "ns", name: "sa" }, token: "jwt", annotations: { role: "r" } }
}

export const credentialPluginsContract = (name: string, under: Layer.Layer<CredentialPlugins, unknown>) =>
  layer(under, { excludeTestServices: true })(`CredentialPlugins: ${name}`, (it) => {
    const ask = Effect.fnUntraced(function*(plugin: string) {
      const plugins = yield* CredentialPlugins
      return yield* plugins.ask(providerNamed(plugin), request)
    })

    it.effect("N6: tells its plugins in the order of the configuration", () =>
      Effect.gen(function*() {
        const { providers } = yield* CredentialPlugins
        assert.deepStrictEqual(providers, ["echo", "fails", "babbles", "hangs"].map(providerNamed))
      }))

    it.effect("N6: the request arrives, with token and annotations, and the answer comes back", () =>
      Effect.gen(function*() {
        assert.deepStrictEqual(yield* ask("echo"), {
          cacheKeyType: "Registry",
          cacheMs: 5000,
          auth: { "eu.r.io/app": { username: "jwt", password: "hello r --of echo" } }
        })
      }))

    it.effect("N6: a plugin that fails says how, by its exit status and what it complained of", () =>
      Effect.gen(function*() {
        const error = yield* Effect.flip(ask("fails"))
        assert.strictEqual(
          error.message.trim(),
          "error execing credential provider plugin fails for image eu.r.io/app: exit status 3: no network"
        )
      }))

    it.effect("N6: an answer that cannot be read is refused without a word of it", () =>
      Effect.gen(function*() {
        const error = yield* Effect.flip(ask("babbles"))
        assert.strictEqual(error.reason._tag, "Permanent")
        assert.notInclude(error.message, "secret")
      }))

    it.effect("a plugin that nobody installed is NotFound", () =>
      Effect.gen(function*() {
        assert.strictEqual((yield* Effect.flip(ask("absent"))).reason._tag, "NotFound")
      }))

    it.effect("one that hangs can be given up", () =>
      Effect.gen(function*() {
        const fiber = yield* Effect.forkChild(ask("hangs"), { startImmediately: true })
        yield* Fiber.interrupt(fiber)
      }))
  })
