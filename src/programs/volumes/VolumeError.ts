/** An operation on a volume failed; the message is what users read behind `MountVolume.SetUp failed …`. */
import { Schema } from "effect"

export class VolumeError extends Schema.TaggedError<VolumeError>()("VolumeError", {
  detail: Schema.String,
  /** What users read before it, where it was another step: `MountVolume.MountDevice failed`. */
  during: Schema.optionalKey(Schema.String),
  /** No other try can help on this node: the pod fails for this reason. */
  ends: Schema.optionalKey(Schema.Struct({ reason: Schema.String, message: Schema.String })),
  cause: Schema.optionalKey(Schema.Defect())
}) {
  override get message(): string {
    return this.detail
  }
}

export const refuse = (detail: string): VolumeError => new VolumeError({ detail })

/** Any error of a layer below, in its own words. */
export const because = (cause: { readonly message: string }): VolumeError =>
  cause instanceof VolumeError ? cause : new VolumeError({ detail: cause.message, cause })
