/**
 * The programs on the node that know credentials of registries (parity N6): which there are, and one question to one of
 * them. Nothing is remembered here.
 */
import { Context, type Effect, Schema } from "effect"
import { Failure } from "../../domain/failure.ts"
import type { CredentialAnswer, CredentialRequest } from "../../domain/images/credentialAnswers.ts"
import type { CredentialProvider } from "../../domain/images/credentialProviders.ts"

/** A plugin gave no usable answer. No message repeats what it wrote to its output, which may hold a password. */
export class CredentialPluginError extends Schema.TaggedError<CredentialPluginError>()("CredentialPluginError", {
  plugin: Schema.String,
  image: Schema.String,
  reason: Failure,
  detail: Schema.String,
  cause: Schema.optionalKey(Schema.Defect())
}) {
  override get message(): string {
    return this.detail
  }
}

export class CredentialPlugins extends Context.Service<CredentialPlugins, {
  /** In the order of the configuration. */
  readonly providers: ReadonlyArray<CredentialProvider>
  /** Runs the plugin once, for at most a minute; interruption ends it. */
  readonly ask: (
    provider: CredentialProvider,
    request: CredentialRequest
  ) => Effect.Effect<CredentialAnswer, CredentialPluginError>
}>()("kubeffect/layers/credentials/CredentialPlugins") {}
