/** What every `ManifestUrl` promises. The server under test has `pod: 1` at `there`, and nothing at `gone`. */
import { assert, layer } from "@effect/vitest"
import { Context, Effect, type Layer } from "effect"
import { ManifestUrl } from "../../src/layers/manifests/ManifestUrl.ts"

export class ManifestGround extends Context.Service<ManifestGround, {
  readonly there: string
  readonly gone: string
  /** The headers of the last request. */
  readonly headers: () => Readonly<Record<string, unknown>>
}>()("kubeffect/test/ManifestGround") {}

export const manifestUrlContract = (name: string, under: Layer.Layer<ManifestUrl | ManifestGround, unknown>) =>
  layer(under, { excludeTestServices: true })(`ManifestUrl: ${name}`, (it) => {
    it.effect("C4: gives what is there, and sends the headers it was told to", () =>
      Effect.gen(function*() {
        const manifests = yield* ManifestUrl
        const { headers, there } = yield* ManifestGround
        assert.strictEqual(yield* manifests.read({ url: there, headers: { "x-node": ["n1"] } }), "pod: 1")
        assert.strictEqual(String(headers()["x-node"]), "n1")
      }))

    it.effect("C4: another answer than 200 is a failure that says which", () =>
      Effect.gen(function*() {
        const { gone } = yield* ManifestGround
        const error = yield* Effect.flip((yield* ManifestUrl).read({ url: gone, headers: {} }))
        assert.strictEqual(error.message, `${gone}: 404 Not Found`)
      }))
  })
