/** Brings the images of containers to the node: policy, credentials, and how many are pulled at once (parity N). */
import { Clock, Context, Effect, Layer, Metric, Result, Schema, Semaphore } from "effect"
import type { SandboxConfigInit } from "../../domain/config/sandboxConfig.ts"
import { type ImageName, parseImageName } from "../../domain/images/imageName.ts"
import type { SourcedAuth } from "../../domain/images/keyring.ts"
import {
  effectivePolicy,
  type PullDecision,
  pullDecision,
  pullFailureReason,
  type PullPolicy
} from "../../domain/images/pullPolicy.ts"
import { imageSizeLabel } from "../../domain/images/sizeLabel.ts"
import type { Container } from "../../domain/k8s/container.ts"
import type { Pod } from "../../domain/k8s/pod.ts"
import { formatGoDuration } from "../../domain/kubeletConfig/goDuration.ts"
import type { ContainerKind, PodEvent } from "../../domain/pod/model.ts"
import type { Image } from "../../gen/cri/api_pb.ts"
import { Cri } from "../../layers/cri/Cri.ts"
import { AgentConfig } from "../AgentConfig.ts"
import { EventRecorder } from "../events/EventRecorder.ts"
import { Credentials } from "./Credentials.ts"
import { makePullBudget } from "./pullBudget.ts"
import { PullRecords } from "./PullRecords.ts"

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

const ensured = Metric.counter("kubelet_image_manager_ensure_image_requests_total", {
  description: "Number of ensure-image requests processed by the kubelet.",
  incremental: true
})

const count = (policy: PullPolicy, found: boolean, decision: PullDecision) =>
  Metric.update(
    Metric.withAttributes(ensured, {
      pull_policy: policy.toLowerCase(),
      present_locally: policy === "Always" ? "unknown" : `${found}`,
      // Nobody asks a registry whether it would have been needed.
      pull_required: decision === "refuse" && !found ? "unknown" : `${decision !== "use"}`
    }),
    1
  )

/** An image that names no user runs as root, which `runAsNonRoot` must know (parity E7). */
const userOf = ({ uid, username }: Image): Pick<PresentImage, "uid" | "username"> =>
  uid !== undefined ? { uid: Number(uid.value) } : username === "" ? { uid: 0 } : { username }

const usable = (image: Image): PresentImage => ({ ref: image.id, ...userOf(image) })

/** Several credentials were tried: what each came to, as Go joins errors. */
const joined = (details: ReadonlyArray<string>): string => {
  const different = [...new Set(details)]
  return different.length === 1 ? different.join() : `[${different.join(", ")}]`
}

interface Puller {
  readonly cri: Cri["Service"]
  readonly events: EventRecorder["Service"]
  readonly credentials: Credentials["Service"]
  readonly records: PullRecords["Service"]
  /** How many are pulled at once. */
  readonly slots: Semaphore.Semaphore
  /** Takes one of the pulls that the registries are asked for in a second; fails when none is left. */
  readonly budget: Effect.Effect<void, { readonly detail: string }>
}

const tell = ({ events }: Puller, { container, kind, pod }: ImageWish, event: Omit<PodEvent, "container">) =>
  events.recordPod(pod, { ...event, container: { name: container.name, kind } })

// The event `Error: <reason>` is given by whoever gives up the container's start.
const fail = Effect.fnUntraced(
  function*(puller: Puller, wish: ImageWish, failure: ImageError, event: string, message: string) {
    yield* tell(puller, wish, { type: "Warning", reason: event, message })
    return yield* failure
  }
)

const find = (puller: Puller, wish: ImageWish, name: ImageName) =>
  puller.cri.imageStatus({ image: { image: name.reference, annotations: { ...wish.annotations } } }).pipe(
    Effect.map(({ image }) => image),
    Effect.catch(({ detail }) => {
      const message = `Failed to inspect image "${wish.container.image ?? ""}": ${detail}`
      return fail(
        puller,
        wish,
        new ImageError({ reason: "ImageInspectError", detail: message }),
        "InspectFailed",
        message
      )
    })
  )

/** Tries each credential in turn; gives the one that opened the registry. */
const pullOnce = Effect.fnUntraced(
  function*({ cri }: Puller, wish: ImageWish, name: ImageName, auths: ReadonlyArray<SourcedAuth>) {
    const request = {
      image: { image: name.reference, annotations: { ...wish.annotations } },
      sandboxConfig: wish.sandboxConfig
    }
    const details: Array<string> = []
    for (const used of auths.length === 0 ? [undefined] : auths) {
      const tried = yield* Effect.result(
        cri.pullImage(used === undefined ? request : { ...request, auth: { ...used.auth } })
      )
      if (Result.isSuccess(tried)) return used
      details.push(tried.failure.detail)
    }
    return yield* Effect.fail({ detail: joined(details) })
  }
)

/** One pull in its turn, with what it took by itself and what the image is then. */
const pullInTurn = (puller: Puller, wish: ImageWish, name: ImageName, auths: ReadonlyArray<SourcedAuth>) => {
  const timed = Effect.gen(function*() {
    const begun = yield* Clock.currentTimeMillis
    yield* puller.budget
    const used = yield* pullOnce(puller, wish, name, auths)
    const tookMs = (yield* Clock.currentTimeMillis) - begun
    const image = yield* find(puller, wish, name)
    if (image === undefined) {
      return yield* Effect.fail({ detail: `the image "${name.reference}" is gone after its pull` })
    }
    return { image, imageRef: image.id, tookMs, used }
  })
  return puller.records.around(name, Semaphore.withPermits(puller.slots, 1)(timed))
}

const pull = Effect.fn("ImagePuller.pull")(
  function*(puller: Puller, wish: ImageWish, name: ImageName, auths: ReadonlyArray<SourcedAuth>) {
    const quoted = JSON.stringify(name.reference)
    const asked = yield* Clock.currentTimeMillis
    yield* tell(puller, wish, { type: "Normal", reason: "Pulling", message: `Pulling image ${quoted}` })
    const { image, tookMs } = yield* pullInTurn(puller, wish, name, auths).pipe(
      Effect.catch((failure) =>
        failure instanceof ImageError ? Effect.fail(failure) : fail(
          puller,
          wish,
          new ImageError({ reason: pullFailureReason(failure.detail), detail: failure.detail }),
          "Failed",
          `Failed to pull image ${quoted}: ${failure.detail}`
        )
      )
    )
    const waitedMs = (yield* Clock.currentTimeMillis) - asked
    const sizeLabel = { image_size_in_bytes: imageSizeLabel(Number(image.size)) }
    yield* Metric.update(Metric.withAttributes(pullSeconds, sizeLabel), waitedMs / 1000)
    yield* tell(puller, wish, {
      type: "Normal",
      reason: "Pulled",
      message: `Successfully pulled image ${quoted} in ${formatGoDuration(tookMs)} ` +
        `(${formatGoDuration(waitedMs)} including waiting). Image size: ${image.size} bytes.`
    })
    return usable(image)
  }
)

const ensure = Effect.fn("ImagePuller.ensure")(function*(puller: Puller, wish: ImageWish) {
  const parsed = parseImageName(wish.container.image ?? "")
  if (Result.isFailure(parsed)) {
    const detail = parsed.failure.message
    return yield* fail(puller, wish, new ImageError({ reason: "InvalidImageName", detail }), "InspectFailed", detail)
  }
  const name = parsed.success
  const quoted = JSON.stringify(name.reference)
  const policy = effectivePolicy(wish.container.imagePullPolicy, name)
  // What will be pulled whether it is there or not does not have to be looked for.
  const found = policy === "Always" ? undefined : yield* find(puller, wish, name)
  // Known to the node is not enough: without a right to it, it is not there for this pod (parity N7).
  const auths = yield* Effect.cached(puller.credentials.forImage(wish.pod, name))
  const usableNow = found !== undefined && (yield* puller.records.mayUse(name, found.id, auths)) ? found : undefined
  const decision = pullDecision(policy, usableNow !== undefined)
  yield* count(policy, found !== undefined, decision)
  if (decision === "pull") return yield* pull(puller, wish, name, yield* auths)
  if (usableNow === undefined) {
    const detail = `Container image ${quoted} is not present with pull policy of Never`
    return yield* fail(
      puller,
      wish,
      new ImageError({ reason: "ErrImageNeverPull", detail }),
      "ErrImageNeverPull",
      detail
    )
  }
  yield* tell(puller, wish, {
    type: "Normal",
    reason: "Pulled",
    message: `Container image ${quoted} already present on machine` +
      (puller.records.active ? " and can be accessed by the pod" : "")
  })
  return usable(usableNow)
})

type Requirements = AgentConfig | Credentials | Cri | EventRecorder | PullRecords

export const layer: Layer.Layer<ImagePuller, never, Requirements> = Layer.effect(
  ImagePuller,
  Effect.gen(function*() {
    const cri = yield* Cri
    const config = yield* AgentConfig
    const events = yield* EventRecorder
    const credentials = yield* Credentials
    const records = yield* PullRecords
    const atOnce = config.serializeImagePulls ? 1 : config.maxParallelImagePulls
    const slots = yield* Semaphore.make(atOnce > 0 ? atOnce : Number.MAX_SAFE_INTEGER)
    const budget = yield* makePullBudget(config.registryPullQps, config.registryBurst)
    const puller = { cri, events, credentials, records, slots, budget }
    return ImagePuller.of({ ensure: (wish) => ensure(puller, wish) })
  })
)
