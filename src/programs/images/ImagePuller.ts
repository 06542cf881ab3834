/** Brings the images of containers to the node: policy, credentials, back-off, and how many are pulled at once. */
import { Context, type Effect, Schema } from "effect"
import type { Container } from "../../domain/k8s/container.ts"
import type { Pod } from "../../domain/k8s/pod.ts"
import type { ContainerKind } from "../../domain/pod/model.ts"

/** The image cannot be used now. Reason and message are what `state.waiting` shows; its events have been given. */
export class ImageError extends Schema.TaggedError<ImageError>()("ImageError", {
  reason: Schema.Literals([
    "ErrImagePull",
    "ErrImageNeverPull",
    "ImageInspectError",
    "InvalidImageName",
    "RegistryUnavailable",
    "SignatureValidationFailed"
  ]),
  detail: Schema.String
}) {
  override get message(): string {
    return this.detail
  }
}

export interface PresentImage {
  /** What the runtime takes for `ContainerConfig.image`. */
  readonly ref: string
  readonly uid?: number
  readonly username?: string
}

export class ImagePuller extends Context.Service<ImagePuller, {
  /** Makes sure that the container's image is here, by its pull policy. Gives the events of it. Interruptible. */
  readonly ensure: (
    pod: Pod,
    container: Container,
    kind: ContainerKind
  ) => Effect.Effect<PresentImage, ImageError>
}>()("kubeffect/programs/images/ImagePuller") {}
