/** Keys of pods made with Node's own cryptography, in threads beside the program. */
import { Effect, Layer } from "effect"
import { constants, generateKeyPair, type KeyObject, sign } from "node:crypto"
import { type PodKey, PodKeys } from "./PodKeys.ts"
import { X509Error } from "./X509.ts"

type Made = (error: Error | null, publicKey: KeyObject, privateKey: KeyObject) => void

interface Kind {
  readonly generate: (done: Made) => void
  /** Null: the kind has one of its own. */
  readonly digest: string | null
  readonly padding: { readonly padding?: number; readonly saltLength?: number }
}

const rsa = (bits: number): Kind => ({
  generate: (done: Made) => generateKeyPair("rsa", { modulusLength: bits }, done),
  digest: "sha256",
  padding: { padding: constants.RSA_PKCS1_PSS_PADDING, saltLength: constants.RSA_PSS_SALTLEN_MAX_SIGN }
})

const ecdsa = (namedCurve: string): Kind => ({
  generate: (done: Made) => generateKeyPair("ec", { namedCurve }, done),
  digest: "sha256",
  padding: {}
})

const kinds = new Map<string, Kind>([
  ["RSA3072", rsa(3072)],
  ["RSA4096", rsa(4096)],
  ["ECDSAP256", ecdsa("P-256")],
  ["ECDSAP384", ecdsa("P-384")],
  ["ECDSAP521", ecdsa("P-521")],
  ["ED25519", { generate: (done: Made) => generateKeyPair("ed25519", {}, done), digest: null, padding: {} }]
])

const failed = (detail: string, cause?: unknown) =>
  new X509Error({ op: "make a key", detail, ...(cause === undefined ? {} : { cause }) })

export const layer: Layer.Layer<PodKeys> = Layer.succeed(
  PodKeys,
  PodKeys.of({
    make: Effect.fn("PodKeys.make")((keyType: string, signed: string) =>
      Effect.callback<PodKey, X509Error>((resume) => {
        const kind = kinds.get(keyType)
        if (kind === undefined) return resume(Effect.fail(failed(`unknown key type "${keyType}"`)))
        kind.generate((error, publicKey, privateKey) => {
          if (error !== null) return resume(Effect.fail(failed(error.message, error)))
          sign(kind.digest, Buffer.from(signed), { key: privateKey, ...kind.padding }, (problem, proof) =>
            resume(
              problem === null
                ? Effect.succeed({
                  privateKey: privateKey.export({ type: "pkcs8", format: "pem" }).toString(),
                  publicKey: publicKey.export({ type: "spki", format: "der" }).toString("base64"),
                  proof: proof.toString("base64")
                })
                : Effect.fail(failed(problem.message, problem))
            ))
        })
      })
    )
  })
)
