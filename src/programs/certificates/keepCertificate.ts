/**
 * Keeps one certificate of the node valid for as long as it runs: asks for the first one, for a new one when most of the
 * life of the current one is over or when it no longer says what it should, and tries again until there is one.
 */
import { Clock, Effect, FiberHandle, Option, Random, Ref, type Scope, Stream } from "effect"
import { nextStep, retryDelayMs } from "../../domain/certificates/rotation.ts"
import type { Template } from "../../domain/certificates/template.ts"
import { KubeApi } from "../../layers/api/KubeApi.ts"
import * as Metrics from "./certificateMetrics.ts"
import type * as Store from "./certificateStore.ts"
import { obtain, type ObtainError } from "./obtainCertificate.ts"

export interface Keeping {
  readonly purpose: Metrics.Purpose
  readonly place: Store.Place
  /** What it should say; first as it is now, undefined while that is not known. Never ends. */
  readonly templates: Stream.Stream<Template | undefined>
  readonly initial: Store.Held | undefined
  /** The initial one came with the kubeconfig: one of the node's own is asked for at once. */
  readonly adopted: boolean
  /** The server as seen by who may ask: `valid` when the node has a certificate to show. */
  readonly api: (valid: boolean) => Effect.Effect<KubeApi["Service"]>
  /** Told of every new certificate, and with none as soon as the last one has expired. */
  readonly use: (held: Store.Held | undefined) => Effect.Effect<void>
  /** Told after each request whether the server gave an answer to it, a refusal included. */
  readonly answered: (answered: boolean) => Effect.Effect<void>
}

/** How long one request waits for approval before another is made. */
const waitMs = 900_000

/** Timers do not reach further than some weeks, and stand still while the machine sleeps. */
export const longestSleepMs = 3_600_000

const sleepUntil = Effect.fnUntraced(function*(untilMs: number) {
  while (true) {
    const leftMs = untilMs - (yield* Clock.currentTimeMillis)
    if (leftMs <= 0) return
    yield* Effect.sleep(Math.min(leftMs, longestSleepMs))
  }
})

interface Current {
  readonly held: Store.Held | undefined
  readonly adopted: boolean
  /** Thrown once for each certificate: to throw again at each look would draw the rotation to its earliest time. */
  readonly dice: number
}

/** Never ends, never fails. */
export const keepCertificate = Effect.fn("keepCertificate")(function*(
  keeping: Keeping
): Effect.fn.Return<never, never, Store.Needs | Scope.Scope> {
  const { purpose } = keeping
  const expiry = yield* FiberHandle.make()
  const show = Effect.fnUntraced(function*(held: Store.Held | undefined) {
    const valid = held !== undefined && held.facts.notAfterMs > (yield* Clock.currentTimeMillis) ? held : undefined
    yield* Metrics.expires(purpose, valid?.facts.notAfterMs)
    yield* keeping.use(valid)
    if (valid === undefined) return yield* FiberHandle.clear(expiry)
    const gone = Effect.logError(`The certificate for ${keeping.place.name} has expired and there is no new one`).pipe(
      Effect.andThen(Metrics.expires(purpose, undefined)),
      Effect.andThen(keeping.use(undefined))
    )
    yield* FiberHandle.run(expiry, Effect.andThen(sleepUntil(valid.facts.notAfterMs), gone))
  })
  const current = yield* Ref.make<Current>({
    held: keeping.initial,
    adopted: keeping.adopted,
    dice: yield* Random.next
  })
  yield* Metrics.begin(purpose)
  yield* show(keeping.initial)
  return yield* keeping.templates.pipe(
    Stream.changesWith(sameTemplate),
    // What is under way for another template is given up.
    Stream.switchMap((template) => Stream.fromEffect(keepTemplate(keeping, current, show, template))),
    Stream.runDrain,
    Effect.andThen(Effect.never)
  )
})

const sameTemplate = (a: Template | undefined, b: Template | undefined): boolean =>
  JSON.stringify(a) === JSON.stringify(b)

const keepTemplate = Effect.fnUntraced(function*(
  keeping: Keeping,
  current: Ref.Ref<Current>,
  show: (held: Store.Held) => Effect.Effect<void>,
  template: Template | undefined
): Effect.fn.Return<never, never, Store.Needs> {
  let failures = 0
  while (true) {
    const { adopted, dice, held } = yield* Ref.get(current)
    const nowMs = yield* Clock.currentTimeMillis
    const step = nextStep({ adopted, current: held?.facts, dice, nowMs, template })
    if (step._tag === "Idle" || template === undefined) return yield* Effect.never
    if (step._tag === "Wait") {
      yield* sleepUntil(step.untilMs)
      continue
    }
    yield* Effect.logInfo(`Asking for a certificate for ${keeping.place.name}: ${step.detail}`)
    const lone = held === undefined || step.why === "expired"
    const fresh = yield* obtain({
      place: keeping.place,
      template,
      // Until there is a certificate an answer may come after a restart; later there is time to ask again.
      resumable: lone,
      // Who has expired meanwhile is not told the answer: then it is asked for in the name of whoever bootstraps.
      waitMs: lone || keeping.purpose === "server" ? waitMs : Math.min(waitMs, held.facts.notAfterMs - nowMs),
      submitted: keeping.answered(true)
    }).pipe(
      Effect.provideServiceEffect(KubeApi, keeping.api(!lone)),
      Effect.map(Option.some),
      Effect.catch((error) => {
        failures += 1
        return Effect.as(failed(keeping, error, failures), Option.none<Store.Held>())
      })
    )
    if (Option.isNone(fresh)) continue
    failures = 0
    const since = held?.facts.notBeforeMs
    if (since !== undefined) yield* Metrics.replaced(keeping.purpose, (yield* Clock.currentTimeMillis) - since)
    yield* Ref.set(current, { held: fresh.value, adopted: false, dice: yield* Random.next })
    yield* show(fresh.value)
  }
})

/** Anything else may be the word of a proxy, or of a server that is not ready. */
const isAnswer = (status: number): boolean => status === 401 || status === 403 || status === 404

const failed = Effect.fnUntraced(function*(keeping: Keeping, error: ObtainError, failures: number) {
  yield* Metrics.countError(keeping.purpose)
  yield* keeping.answered(error._tag === "NotSigned" || (error._tag === "ApiError" && isAnswer(error.status)))
  const delayMs = retryDelayMs(failures, yield* Random.next)
  yield* Effect.logError(`No certificate for ${keeping.place.name}; next try in ${delayMs} ms`, error)
  yield* Effect.sleep(delayMs)
})
