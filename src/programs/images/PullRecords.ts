/**
 * Which images this agent has pulled, and with whose credentials, on disk and so for the next agent too (parity N7). A
 * file that cannot be read makes pods show their credentials once more; it never lets one in.
 */
import { Clock, Context, Effect, Layer, Metric, Result, Semaphore } from "effect"
import { type ImageName, parseImageName, repositoryOf } from "../../domain/images/imageName.ts"
import type { SourcedAuth } from "../../domain/images/keyring.ts"
import { afterPull, credentialsUsed, type PullCredentials } from "../../domain/images/pullRecords.ts"
import { judge, type Verdict } from "../../domain/images/pullVerification.ts"
import { formatTime, parseTime } from "../../domain/k8s/time.ts"
import { Cri } from "../../layers/cri/Cri.ts"
import type { HostFileError, HostFiles } from "../../layers/host/HostFiles.ts"
import { AgentConfig } from "../AgentConfig.ts"
import { superviseToEnd } from "../supervise.ts"
import { pullRecordFiles } from "./pullRecordFiles.ts"

/** What a pull came to: the image by the runtime's name, and the credential that opened the registry, if any. */
export interface Pulled {
  readonly imageRef: string
  readonly used: SourcedAuth | undefined
}

export class PullRecords extends Context.Service<PullRecords, {
  /** Whether pods have to show credentials for images that are there; false with the gate off. */
  readonly active: boolean
  /** Whether a pod may use the image that is there. Its credentials are only asked for when they can decide it. */
  readonly mayUse: (
    name: ImageName,
    imageRef: string,
    shown: Effect.Effect<ReadonlyArray<SourcedAuth>>
  ) => Effect.Effect<boolean>
  /** Runs a pull with its intent on disk before and its outcome after it. */
  readonly around: <A extends Pulled, E, R>(
    name: ImageName,
    pull: Effect.Effect<A, E, R>
  ) => Effect.Effect<A, E | { readonly detail: string }, R>
  /** Forgets images that are no more. */
  readonly prune: Effect.Effect<void>
}>()("kubeffect/programs/images/PullRecords") {}

const checks = Metric.counter("kubelet_imagemanager_image_mustpull_checks_total", {
  description:
    "Counter for how many times kubelet checked whether credentials need to be re-verified to access an image",
  incremental: true
})
const count = (result: Verdict | "error") => Metric.update(Metric.withAttributes(checks, { result }), 1)

type Policy = NonNullable<AgentConfig["Service"]["imagePullVerification"]>

/** The files, with what keeps callers of them apart. */
const openBook = Effect.gen(function*() {
  const { rootDir } = yield* AgentConfig
  const store = yield* pullRecordFiles(rootDir)
  const alone = Semaphore.withPermits(yield* Semaphore.make(1), 1)
  /** Pulls of one image by several pods are one intent. */
  const underWay = new Map<string, number>()
  const remember = Effect.fnUntraced(
    function*(name: ImageName, imageRef: string, added: PullCredentials | undefined) {
      const now = formatTime(yield* Clock.currentTimeMillis)
      const old = yield* store.record(imageRef)
      const next = afterPull(old, { imageRef, repository: repositoryOf(name), added, now })
      if (next !== undefined) yield* store.keep(next)
    }
  )
  return { store, alone, underWay, remember }
})
type Book = Effect.Success<typeof openBook>

const logged = <A>(what: string, effect: Effect.Effect<A, HostFileError>) =>
  Effect.catch(effect, (error) => Effect.as(Effect.logError(what, error), undefined))

const checking = ({ alone, remember, store, underWay }: Book, policy: Policy) => {
  const known = Effect.fnUntraced(function*(name: ImageName, imageRef: string) {
    const record = yield* store.record(imageRef)
    const intended = record === undefined && (underWay.has(name.reference) || (yield* store.intended(name.reference)))
    return { name, record, intended }
  }, alone)

  return Effect.fn("PullRecords.mayUse")(
    function*(name: ImageName, imageRef: string, shown: Effect.Effect<ReadonlyArray<SourcedAuth>>) {
      const facts = yield* known(name, imageRef)
      const byItself = judge(policy, { ...facts, shown: [] })
      const { learned, verdict } = byItself.verdict === "mustAuthenticate" && facts.record !== undefined
        ? judge(policy, { ...facts, shown: yield* shown })
        : byItself
      if (learned !== undefined) yield* alone(remember(name, imageRef, learned))
      yield* count(verdict)
      return verdict !== "mustAuthenticate"
    },
    Effect.catch((error) =>
      Effect.logError("cannot read what is known of image pulls", error).pipe(
        Effect.andThen(count("error")),
        Effect.as(false)
      )
    )
  )
}

const recording = ({ alone, remember, store, underWay }: Book): PullRecords["Service"]["around"] => {
  const begin = Effect.fnUntraced(function*(image: string) {
    yield* Effect.mapError(store.intend(image), (error) => ({
      detail: `failed to record image pull intent: ${error.message}`
    }))
    underWay.set(image, (underWay.get(image) ?? 0) + 1)
  })
  const end = Effect.fnUntraced(function*(image: string) {
    const others = (underWay.get(image) ?? 1) - 1
    if (others > 0) return underWay.set(image, others)
    underWay.delete(image)
    yield* store.forgetIntent(image)
  })
  return (name, pull) =>
    Effect.acquireUseRelease(
      alone(begin(name.reference)),
      () =>
        Effect.tap(pull, ({ imageRef, used }) =>
          logged("failed to write image pulled record", alone(remember(name, imageRef, credentialsUsed(used))))),
      () =>
        logged("failed to remove image pull intent", alone(end(name.reference)))
    )
}

/** Pulls that an agent before this one did not see the end of: what they brought is known, their credentials are not. */
const recover = Effect.fnUntraced(function*({ alone, remember, store, underWay }: Book) {
  const cri = yield* Cri
  const intents = yield* store.intents
  if (intents.length === 0) return
  const { images } = yield* cri.listImages({})
  for (const intent of intents) {
    const parsed = parseImageName(intent)
    if (Result.isFailure(parsed) || underWay.has(intent)) continue
    const name = parsed.success
    const names = [`${repositoryOf(name)}:${name.tag}`, `${repositoryOf(name)}@${name.digest}`]
    const image = images.find(({ repoDigests, repoTags }) =>
      [...repoTags, ...repoDigests].some((one) => names.includes(one))
    )
    if (image === undefined) continue
    yield* alone(Effect.andThen(remember(name, image.id, undefined), store.forgetIntent(intent)))
  }
})

const pruneRecords = Effect.fnUntraced(function*({ alone, store }: Book) {
  const cri = yield* Cri
  const began = yield* Clock.currentTimeMillis
  yield* store.reread
  const { images } = yield* cri.listImages({})
  const present = new Set(images.map(({ id }) => id))
  for (const { imageRef, lastUpdatedTime } of yield* store.records) {
    const updated = parseTime(lastUpdatedTime) ?? 0
    // A record of the second in which the images were listed may be of one that came after that.
    if (!present.has(imageRef) && updated + 1000 < began) yield* alone(store.forget(imageRef))
  }
})

const active = Effect.fnUntraced(function*(policy: Policy) {
  const cri = yield* Cri
  const book = yield* openBook
  yield* Effect.forkScoped(superviseToEnd("image pulls of an earlier run", recover(book)))
  return PullRecords.of({
    active: true,
    mayUse: checking(book, policy),
    around: recording(book),
    prune: pruneRecords(book).pipe(
      Effect.provideService(Cri, cri),
      Effect.catch((error) => Effect.logWarning("cannot forget the pulls of images that are gone", error))
    )
  })
})

const inactive = PullRecords.of({
  active: false,
  mayUse: () => Effect.succeed(true),
  around: (_, pull) => pull,
  prune: Effect.void
})

export const layer: Layer.Layer<PullRecords, never, AgentConfig | Cri | HostFiles> = Layer.effect(
  PullRecords,
  Effect.flatMap(
    AgentConfig,
    ({ imagePullVerification: policy }) => policy === undefined ? Effect.succeed(inactive) : active(policy)
  )
)
