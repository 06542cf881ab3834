/** Manifests of static pods that a web server has (parity C4). */
import { Context, type Effect, Schema } from "effect"
import { Failure } from "../../domain/failure.ts"

export class ManifestUrlError extends Schema.TaggedError<ManifestUrlError>()("ManifestUrlError", {
  url: Schema.String,
  reason: Failure,
  detail: Schema.String,
  cause: Schema.optionalKey(Schema.Defect())
}) {
  override get message(): string {
    return `${this.url}: ${this.detail}`
  }
}

export interface ManifestRequest {
  readonly url: string
  /** Each may have several values. */
  readonly headers: Readonly<Record<string, ReadonlyArray<string>>>
}

export class ManifestUrl extends Context.Service<ManifestUrl, {
  /** What is there now, at most 10 MiB; any answer but 200 is a failure. Waits ten seconds. */
  readonly read: (request: ManifestRequest) => Effect.Effect<string, ManifestUrlError>
}>()("kubeffect/layers/manifests/ManifestUrl") {}

export const maxManifestBytes = 10 * 1024 * 1024
export const manifestTimeoutMs = 10_000
