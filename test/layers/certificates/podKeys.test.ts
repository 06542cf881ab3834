import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { constants, createPrivateKey, createPublicKey, verify } from "node:crypto"
import { PodKeys } from "../../../src/layers/certificates/PodKeys.ts"
import * as PodKeysLive from "../../../src/layers/certificates/PodKeysLive.ts"
import * as PodKeysSim from "../../../src/layers/certificates/PodKeysSim.ts"

const pss = { padding: constants.RSA_PKCS1_PSS_PADDING, saltLength: constants.RSA_PSS_SALTLEN_AUTO }

describe("I9: keys of pods", () => {
  it.effect.each(
    [
      ["RSA3072", "rsa", "sha256"],
      ["ECDSAP256", "ec", "sha256"],
      ["ECDSAP384", "ec", "sha256"],
      ["ECDSAP521", "ec", "sha256"],
      ["ED25519", "ed25519", null]
    ] as const
  )(
    "%s: private and public half belong together, and the proof holds",
    ([keyType, kind, digest]) =>
      Effect.gen(function*() {
        const keys = yield* PodKeys
        const made = yield* keys.make(keyType, "pod-uid")
        const key = createPublicKey({ key: Buffer.from(made.publicKey, "base64"), format: "der", type: "spki" })
        assert.strictEqual(key.asymmetricKeyType, kind)
        assert.match(made.privateKey, /^-----BEGIN PRIVATE KEY-----/)
        const same = createPublicKey(createPrivateKey(made.privateKey)).export({ type: "spki", format: "der" })
        assert.strictEqual(same.toString("base64"), made.publicKey)
        const options = kind === "rsa" ? { key, ...pss } : { key }
        assert.isTrue(verify(digest, Buffer.from("pod-uid"), options, Buffer.from(made.proof, "base64")))
      }).pipe(Effect.provide(PodKeysLive.layer)),
    60_000
  )

  it.effect("an unknown type is refused", () =>
    Effect.gen(function*() {
      const keys = yield* PodKeys
      assert.include((yield* Effect.flip(keys.make("DSA", "x"))).message, "unknown key type \"DSA\"")
    }).pipe(Effect.provide(PodKeysLive.layer)))

  it.effect("those of simulations are never the same twice, and the same in every run", () =>
    Effect.gen(function*() {
      const run = Effect.gen(function*() {
        const keys = yield* PodKeys
        return [yield* keys.make("ED25519", "x"), yield* keys.make("ED25519", "x")]
      }).pipe(Effect.provide(PodKeysSim.layer, { local: true }))
      const [first, second] = yield* run
      assert.notDeepEqual(first, second)
      assert.deepEqual(yield* run, [first, second])
    }))
})
