/** Brings the images of containers to the node: policy, credentials, and how many are pulled at once (parity N). */
import { Clock, Context, Effect, Layer, Metric, Result, Schema, Semaphore } from "effect"
import type { SandboxConfigInit } from "../../domain/config/sandboxConfig.ts"
import {
  alreadyPresent,
  imageFailed,
  type ImageFailureReason,
  joinedFailures,
  neverPullMessage,
  pulled,
  pullFailure,
  pulling
} from "../../domain/images/imageEvents.ts"
import { withDefaultTag } from "../../domain/images/imageName.ts"
import { pullDecision, pullPolicyOf } from "../../domain/images/pullPolicy.ts"
import type { Container } from "../../domain/k8s/container.ts"
import type { Pod } from "../../domain/k8s/pod.ts"
import type { ContainerKind, PodEvent } from "../../domain/pod/model.ts"
import type { Image } from "../../gen/cri/api_pb.ts"
import { Cri } from "../../layers/cri/Cri.ts"
import { AgentConfig } from "../AgentConfig.ts"
import { EventRecorder } from "../events/EventRecorder.ts"
import { Credentials } from "./Credentials.ts"
import { makePullBudget } from "./pullBudget.ts"

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

export interface ImageWish {
  readonly pod: Pod
  readonly container: Container
  readonly kind: ContainerKind
  /** Annotations that go with every request about the image. */
  readonly annotations: Readonly<Record<string, string>>
  readonly sandboxConfig: SandboxConfigInit
}

export class ImagePuller extends Context.Service<ImagePuller, {
  /** Makes sure that the container's image is here, by its pull policy. Gives the events of it. Interruptible. */
  readonly ensure: (wish: ImageWish) => Effect.Effect<PresentImage, ImageError>
}>()("kubeffect/programs/images/ImagePuller") {}

const pullSeconds = Metric.histogram("kubelet_image_pull_duration_seconds", {
  description: "Duration in seconds to pull an image.",
  boundaries: [1, 5, 10, 20, 30, 60, 180, 300, 600, 900, 1200, 1800, 2700, 3600]
})

const usable = (image: Image): PresentImage => ({
  ref: image.id,
  ...(image.uid === undefined ? {} : { uid: Number(image.uid.value) }),
  ...(image.username === "" ? {} : { username: image.username })
})

const subject = ({ container, kind }: ImageWish) => ({ name: container.name, kind })

export const layer: Layer.Layer<ImagePuller, never, AgentConfig | Credentials | Cri | EventRecorder> = Layer.effect(
  ImagePuller,
  Effect.gen(function*() {
    const cri = yield* Cri
    const config = yield* AgentConfig
    const events = yield* EventRecorder
    const credentials = yield* Credentials
    const atOnce = config.serializeImagePulls ? 1 : config.maxParallelImagePulls
    const slots = yield* Semaphore.make(atOnce > 0 ? atOnce : Number.MAX_SAFE_INTEGER)
    const budget = yield* makePullBudget(config.registryPullQps, config.registryBurst)

    const tell = ({ pod }: ImageWish, event: PodEvent) => events.recordPod(pod, event)

    // The event `Error: <reason>` is given by whoever gives up the container's start.
    const fail = Effect.fnUntraced(function*(wish: ImageWish, reason: ImageFailureReason, detail: string) {
      const [first] = imageFailed(subject(wish), { image: wish.container.image ?? "", reason, detail })
      if (first !== undefined) yield* tell(wish, first)
      return yield* new ImageError({ reason, detail })
    })

    const find = (wish: ImageWish, reference: string) =>
      cri.imageStatus({ image: { image: reference, annotations: { ...wish.annotations } } }).pipe(
        Effect.map(({ image }) => image),
        Effect.catch((error) => fail(wish, "ImageInspectError", error.detail))
      )

    /** Tries each credential in turn. */
    const pullOnce = Effect.fnUntraced(function*(wish: ImageWish, reference: string) {
      const auths = yield* credentials.forImage(wish.pod, reference)
      const request = {
        image: { image: reference, annotations: { ...wish.annotations } },
        sandboxConfig: wish.sandboxConfig
      }
      const details: Array<string> = []
      for (const auth of auths.length === 0 ? [undefined] : auths) {
        const tried = yield* Effect.result(
          cri.pullImage(auth === undefined ? request : { ...request, auth: { ...auth } })
        )
        if (Result.isSuccess(tried)) return
        details.push(tried.failure.detail)
      }
      return yield* Effect.fail({ detail: joinedFailures(details) })
    })

    const pull = Effect.fn("ImagePuller.pull")(function*(wish: ImageWish, reference: string) {
      const asked = yield* Clock.currentTimeMillis
      yield* tell(wish, pulling(subject(wish), reference))
      const timed = Effect.gen(function*() {
        const begun = yield* Clock.currentTimeMillis
        yield* budget
        yield* pullOnce(wish, reference)
        return (yield* Clock.currentTimeMillis) - begun
      })
      const pullMs = yield* Semaphore.withPermits(slots, 1)(timed).pipe(
        Effect.catch((failure) => {
          const { detail, reason } = pullFailure(reference, failure.detail)
          return fail(wish, reason, detail)
        })
      )
      const totalMs = (yield* Clock.currentTimeMillis) - asked
      yield* Metric.update(pullSeconds, pullMs / 1000)
      const image = yield* find(wish, reference)
      if (image === undefined) return yield* fail(wish, "ErrImagePull", `the image ${reference} is gone after its pull`)
      yield* tell(wish, pulled(subject(wish), reference, { pullMs, totalMs, sizeBytes: Number(image.size) }))
      return usable(image)
    })

    const ensure = Effect.fn("ImagePuller.ensure")(function*(wish: ImageWish) {
      const named = withDefaultTag(wish.container.image ?? "")
      if (Result.isFailure(named)) return yield* fail(wish, "InvalidImageName", named.failure)
      const reference = named.success
      const found = yield* find(wish, reference)
      const decision = pullDecision(pullPolicyOf(wish.container), found !== undefined)
      if (decision === "Pull") return yield* pull(wish, reference)
      if (found === undefined) return yield* fail(wish, "ErrImageNeverPull", neverPullMessage(reference))
      yield* tell(wish, alreadyPresent(subject(wish), reference))
      return usable(found)
    })

    return ImagePuller.of({ ensure })
  })
)
