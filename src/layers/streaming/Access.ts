/** Who calls the node's server, and whether they may: authentication (O3) and authorization (O2) of its requests. */
import { Context, type Effect, type Option, Schema } from "effect"
import type { AccessAttributes, UserInfo } from "../../domain/auth/access.ts"

/** The credentials given prove nobody, or none were given and the anonymous are not let in. */
export class Unauthenticated extends Schema.TaggedError<Unauthenticated>()("Unauthenticated", {
  why: Schema.String,
  cause: Schema.optionalKey(Schema.Defect())
}) {
  override get message(): string {
    return this.why
  }
}

/** The question could not be decided. */
export class AccessUnknown extends Schema.TaggedError<AccessUnknown>()("AccessUnknown", {
  user: Schema.String,
  subresource: Schema.String,
  cause: Schema.Defect()
}) {
  override get message(): string {
    return `may ${this.user} use nodes/${this.subresource}? No answer`
  }
}

/** A certificate that the TLS layer has checked against the client CAs. */
export type ClientCertificate =
  | {
    readonly _tag: "Trusted"
    readonly commonName: string
    readonly organizations: ReadonlyArray<string>
    /** SHA-256 of the certificate, in lower-case hexadecimal. */
    readonly fingerprint: string
  }
  | { readonly _tag: "Untrusted"; readonly why: string }

export interface Credentials {
  readonly certificate: Option.Option<ClientCertificate>
  readonly token: Option.Option<string>
}

export class Access extends Context.Service<Access, {
  /** A bad credential is refused even where the anonymous are welcome. */
  readonly authenticate: (credentials: Credentials) => Effect.Effect<UserInfo, Unauthenticated>
  /** True when any of the questions is answered with yes; they are asked in order. */
  readonly authorize: (
    user: UserInfo,
    attributes: ReadonlyArray<AccessAttributes>
  ) => Effect.Effect<boolean, AccessUnknown>
}>()("kubeffect/layers/streaming/Access") {}
