/** Removes images nobody uses: when their file system fills up, when they are old, or when all must go (parity G4). */
import { Clock, Context, Effect, Layer, Metric, Ref, Schema } from "effect"
import {
  bytesToFree,
  type KnownImage,
  type KnownImages,
  observeImages,
  outdatedImages,
  removableImages
} from "../../domain/gc/images.ts"
import { imagesOfPod, sandboxImages } from "../../domain/gc/usedImages.ts"
import { Cri, type CriError } from "../../layers/cri/Cri.ts"
import { type HostFileError, HostFiles } from "../../layers/host/HostFiles.ts"
import { AgentConfig } from "../AgentConfig.ts"
import { PodRegistry } from "../pods/PodRegistry.ts"

/** Not as much space could be freed as the thresholds ask for. */
export class ImageSpaceError extends Schema.TaggedError<ImageSpaceError>()("ImageSpaceError", {
  /** Of the event that tells users. */
  reason: Schema.Literals(["FreeDiskSpaceFailed", "InvalidDiskCapacity"]),
  detail: Schema.String
}) {
  override get message(): string {
    return this.detail
  }
}

export class ImageGc extends Context.Service<ImageGc, {
  /** Takes note of what is used; removes what has been unused for too long and what the thresholds ask for. */
  readonly collect: Effect.Effect<void, CriError | HostFileError | ImageSpaceError>
  /** Removes every image that nobody uses and is not brand-new, for a node short of space (parity M). Bytes freed. */
  readonly removeUnused: Effect.Effect<number, CriError>
}>()("kubeffect/programs/cleanup/ImageGc") {}

const removed = Metric.counter("kubelet_image_garbage_collected_total", {
  description: "Total number of images garbage collected by the kubelet, whether through disk usage or image age.",
  incremental: true
})

const observe = Effect.fnUntraced(function*(known: Ref.Ref<KnownImages | undefined>) {
  const cri = yield* Cri
  const registry = yield* PodRegistry
  const nowMs = yield* Clock.currentTimeMillis
  // Images first: one that is pulled in between is not in the list, so nothing happens to it.
  const { images } = yield* cri.listImages({})
  const { containers } = yield* cri.listContainers({})
  const { info } = yield* cri.status({ verbose: true })
  const used = new Set([
    ...sandboxImages(info),
    ...containers.flatMap(({ image, imageId, imageRef }) => [image?.image ?? "", imageId, imageRef]),
    ...(yield* registry.all).flatMap(({ pod }) => imagesOfPod(pod))
  ])
  const listed = images.map(({ id, pinned, repoDigests, repoTags, size }) => ({
    id,
    pinned,
    names: [...repoTags, ...repoDigests],
    sizeBytes: Number(size)
  }))
  const next = observeImages(yield* Ref.get(known), listed, used, nowMs)
  yield* Ref.set(known, next)
  return { images: next, nowMs }
})

/** Bytes freed by removing images in this order until it is enough. One that cannot be removed is passed over. */
const remove = Effect.fnUntraced(
  function*(images: ReadonlyArray<KnownImage>, reason: "age" | "space", enoughBytes = Number.POSITIVE_INFINITY) {
    const cri = yield* Cri
    let freed = 0
    for (const { id, names, sizeBytes } of images) {
      if (freed >= enoughBytes) break
      yield* Effect.logInfo(`removing the image ${names[0] ?? id}`)
      freed += yield* cri.removeImage({ image: { image: id } }).pipe(
        Effect.andThen(Metric.update(Metric.withAttributes(removed, { reason }), 1)),
        Effect.as(sizeBytes),
        Effect.catch((error) => Effect.as(Effect.logWarning(`cannot remove the image ${id}`, error), 0))
      )
    }
    return freed
  }
)

/** The file system that the runtime keeps images on. */
const imageSpace = Effect.gen(function*() {
  const cri = yield* Cri
  const files = yield* HostFiles
  const { imageFilesystems } = yield* cri.imageFsInfo({})
  const mountpoint = imageFilesystems[0]?.fsId?.mountpoint ?? ""
  const space = mountpoint === "" ? undefined : yield* files.statfs(mountpoint)
  if (space !== undefined && space.totalBytes > 0) return space
  return yield* new ImageSpaceError({
    reason: "InvalidDiskCapacity",
    detail: "invalid capacity 0 on image filesystem"
  })
})

type Requirements = AgentConfig | Cri | HostFiles | PodRegistry

const collect = Effect.fn("ImageGc.collect")(
  function*(known: Ref.Ref<KnownImages | undefined>, agentStartedAtMs: number) {
    const { imageGcHighPercent, imageGcLowPercent, imageMaximumGcAgeMs, imageMinimumGcAgeMs } = yield* AgentConfig
    const { images, nowMs } = yield* observe(known)
    const outdated = outdatedImages(images, imageMaximumGcAgeMs, { agentStartedAtMs, nowMs })
    yield* remove(outdated, "age")
    if (imageGcHighPercent >= 100) return
    const thresholds = { highPercent: imageGcHighPercent, lowPercent: imageGcLowPercent }
    const needed = bytesToFree(yield* imageSpace, thresholds)
    if (needed === 0) return
    const left = removableImages(images, imageMinimumGcAgeMs, nowMs).filter((image) => !outdated.includes(image))
    const freed = yield* remove(left, "space", needed)
    if (freed >= needed) return
    return yield* new ImageSpaceError({
      reason: "FreeDiskSpaceFailed",
      detail: `Failed to garbage collect required amount of images. Attempted to free ${needed} bytes, but only ` +
        `found ${freed} bytes eligible to free.`
    })
  }
)

export const layer: Layer.Layer<ImageGc, never, Requirements> = Layer.effect(
  ImageGc,
  Effect.gen(function*() {
    const services = yield* Effect.context<Requirements>()
    const agentStartedAtMs = yield* Clock.currentTimeMillis
    const known = yield* Ref.make<KnownImages | undefined>(undefined)
    const removeUnused = Effect.gen(function*() {
      const { imageMinimumGcAgeMs } = yield* AgentConfig
      const { images, nowMs } = yield* observe(known)
      return yield* remove(removableImages(images, imageMinimumGcAgeMs, nowMs), "space")
    })
    return ImageGc.of({
      collect: Effect.provideContext(collect(known, agentStartedAtMs), services),
      removeUnused: Effect.provideContext(removeUnused, services)
    })
  })
)
