/** Keys, certificates and requests for them: what of the node's certificates is cryptography. */
import { Context, type Effect, Schema } from "effect"
import type { CertificateFacts } from "../../domain/certificates/template.ts"

/** A key, certificate or request could not be made or understood. */
export class X509Error extends Schema.TaggedError<X509Error>()("X509Error", {
  op: Schema.String,
  detail: Schema.String,
  cause: Schema.optionalKey(Schema.Defect())
}) {
  override get message(): string {
    return `${this.op}: ${this.detail}`
  }
}

export interface Subject {
  readonly commonName: string
  readonly organization: string
  readonly dnsNames: ReadonlyArray<string>
  readonly ips: ReadonlyArray<string>
}

export class X509 extends Context.Service<X509, {
  /** A new private key, PEM. Never the same twice. */
  readonly newKey: Effect.Effect<string, X509Error>
  /** A request (PKCS #10, PEM) for a certificate of this key, signed with it. */
  readonly request: (key: string, subject: Subject) => Effect.Effect<string, X509Error>
  /** What tells the public half of the key from all others, in letters that names of objects may have. */
  readonly fingerprint: (key: string) => Effect.Effect<string, X509Error>
  /** What the first certificate of the text says. */
  readonly read: (pem: string) => Effect.Effect<CertificateFacts, X509Error>
  /** Fails unless both can be used together. */
  readonly checkPair: (pair: { readonly cert: string; readonly key: string }) => Effect.Effect<void, X509Error>
}>()("kubeffect/layers/certificates/X509") {}
