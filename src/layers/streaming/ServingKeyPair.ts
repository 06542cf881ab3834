/** The key pair that names the node to its clients, wherever it comes from: files, a signed request, or itself (A13). */
import { Context, type Effect, type Option, Schema, type Stream } from "effect"

/** There is no usable key pair to begin with. */
export class KeyPairError extends Schema.TaggedError<KeyPairError>()("KeyPairError", {
  /** The file, or what was being made. */
  target: Schema.String,
  detail: Schema.String,
  cause: Schema.optionalKey(Schema.Defect())
}) {
  override get message(): string {
    return `serving certificate ${this.target}: ${this.detail}`
  }
}

/** Both in PEM; the certificate may have its chain after it. */
export interface KeyPair {
  readonly cert: string
  readonly key: string
}

export class ServingKeyPair extends Context.Service<ServingKeyPair, {
  /** None: it is asked for and not there yet, or it has expired. */
  readonly current: Effect.Effect<Option.Option<KeyPair>>
  /** What comes after the current one, which may be told once more. Never ends; an unusable one is left out. */
  readonly changes: Stream.Stream<Option.Option<KeyPair>>
}>()("kubeffect/layers/streaming/ServingKeyPair") {}
