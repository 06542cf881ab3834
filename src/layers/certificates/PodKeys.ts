/** Key pairs for certificates of pods, each with the proof that whoever asks for the certificate holds it. */
import { Context, type Effect } from "effect"
import type { X509Error } from "./X509.ts"

export interface PodKey {
  /** PEM, PKCS #8. */
  readonly privateKey: string
  /** Base64 of the PKIX form. */
  readonly publicKey: string
  /** Base64: a signature over the text that was to be signed. */
  readonly proof: string
}

export class PodKeys extends Context.Service<PodKeys, {
  /** Types: `RSA3072`, `RSA4096`, `ECDSAP256`, `ECDSAP384`, `ECDSAP521`, `ED25519`; others fail. Never the same twice. */
  readonly make: (keyType: string, signed: string) => Effect.Effect<PodKey, X509Error>
}>()("kubeffect/layers/certificates/PodKeys") {}
