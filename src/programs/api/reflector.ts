/**
 * Follows a selection of API objects: one list, then the changes to it, for as long as somebody reads the stream. Outages
 * never end it: it waits, resumes from the last version it saw, and lists anew only when that version is gone.
 */
import { Clock, Data, Duration, Effect, Queue, Random, Result, Schedule, Stream } from "effect"
import { Retryable } from "../../domain/failure.ts"
import type { ApiResource } from "../../domain/k8s/resources.ts"
import { ApiError, KubeApi, type KubeObject, type Selection, type WatchEvent } from "../../layers/api/KubeApi.ts"

export type Change = Data.TaggedEnum<{
  /** Everything that exists; what a consumer knows beyond it is gone. */
  Snapshot: { readonly objects: ReadonlyArray<KubeObject> }
  /** Added or modified. */
  Upsert: { readonly object: KubeObject }
  /** Deleted, or no longer selected; its last state. */
  Remove: { readonly object: KubeObject }
}>
export const Change = Data.taggedEnum<Change>()

export interface ReflectFailure {
  readonly error: ApiError
  /** Until the next try. */
  readonly waitMs: number
}

export interface ReflectOptions {
  /** Told of every failure; default is a log line. */
  readonly onFailure?: (failure: ReflectFailure) => Effect.Effect<void>
}

/** A watch that lived this long, or told something, was healthy: what ended it is not held against the next one. */
const healthyMs = 5_000

/** What is forbidden, or unknown to the server, changes when a person changes it. */
const refusedWaitMs = 60_000

const waitFor = (error: ApiError, backoffMs: number): number => {
  switch (error.reason._tag) {
    case "Permanent":
      // A credential that has expired is renewed sooner than that (A12).
      return error.status === 401 ? Math.ceil(backoffMs) : refusedWaitMs
    case "NotFound":
      return refusedWaitMs
    case "Retryable":
      return Math.ceil(Math.max(backoffMs, error.reason.retryAfterMs ?? 0))
    default:
      return Math.ceil(backoffMs)
  }
}

/** 800 ms doubling to 30 s, as other clients of the API wait. */
const pace = (report: (failure: ReflectFailure) => Effect.Effect<void>) =>
  Schedule.min([Schedule.exponential("800 millis"), Schedule.spaced("30 seconds")]).pipe(
    Schedule.setInputType<ApiError>(),
    Schedule.jittered,
    Schedule.modifyDelay(({ duration, input }) => Effect.succeed(waitFor(input, Duration.toMillis(duration)))),
    Schedule.tap(({ duration, input }) => report({ error: input, waitMs: Duration.toMillis(duration) }))
  )

const logFailure = ({ error, waitMs }: ReflectFailure) =>
  Effect.logWarning(`${error.message}; next try in ${waitMs} ms`)

/** A server that closes watches at once must not be asked again without a pause. */
const tooShort = (resource: ApiResource) =>
  new ApiError({
    op: `watch ${resource.plural}`,
    target: "",
    reason: new Retryable({}),
    status: 200,
    statusReason: "",
    detail: "the server closed the watch at once"
  })

const changeOf = ({ object, type }: WatchEvent): Change | undefined => {
  switch (type) {
    case "ADDED":
    case "MODIFIED":
      return Change.Upsert({ object })
    case "DELETED":
      return Change.Remove({ object })
    case "BOOKMARK":
      return undefined
  }
}

/**
 * The objects selected, first whole and then by their changes. A `Snapshot` comes first, and again when changes may have
 * been missed. It holds the newest state, never a cached older one, which after a restart would bring back objects that
 * are gone (kubernetes/kubernetes#59848).
 */
export const reflect = (
  resource: ApiResource,
  selection: Omit<Selection, "resourceVersion"> = {},
  options: ReflectOptions = {}
): Stream.Stream<Change, never, KubeApi> =>
  Stream.callback<Change, never, KubeApi>(
    (out) => follow(out, resource, selection, options.onFailure ?? logFailure),
    { bufferSize: 64, strategy: "suspend" }
  )

const follow = Effect.fnUntraced(function*(
  out: Queue.Enqueue<Change>,
  resource: ApiResource,
  selection: Omit<Selection, "resourceVersion">,
  report: (failure: ReflectFailure) => Effect.Effect<void>
) {
  const api = yield* KubeApi
  // The version up to which everything was told; none means that only a list can tell.
  let version: string | undefined

  const snapshot = Effect.gen(function*() {
    const list = yield* api.list(resource, selection)
    yield* Queue.offer(out, Change.Snapshot({ objects: list.items }))
    version = list.resourceVersion
    return list.resourceVersion
  })

  const take = Effect.fnUntraced(function*(event: WatchEvent) {
    const change = changeOf(event)
    if (change !== undefined) yield* Queue.offer(out, change)
    version = event.object.metadata.resourceVersion ?? version
  })

  // One watch, after a list where one is needed. Fails for what deserves a longer wait each time.
  const session = Effect.gen(function*() {
    const listed = version === undefined
    const resourceVersion = version ?? (yield* snapshot)
    const startedAt = yield* Clock.currentTimeMillis
    let told = 0
    const ended = yield* Stream.runForEach(api.watch(resource, { ...selection, resourceVersion }), (event) => {
      told += 1
      return take(event)
    }).pipe(Effect.result)
    const healthy = told > 0 || (yield* Clock.currentTimeMillis) - startedAt >= healthyMs
    if (Result.isSuccess(ended)) return healthy ? undefined : yield* tooShort(resource)
    const error = ended.failure
    const expired = error.reason._tag === "Expired"
    if (expired) version = undefined
    // A list that is too old as soon as its watch begins is the server's trouble, not a reason to hurry.
    if (!healthy && (listed || !expired)) return yield* error
    // All clients of a server lose their watches in one moment: they come back one by one.
    const waitMs = yield* Random.nextIntBetween(400, 1200)
    yield* report({ error, waitMs })
    yield* Effect.sleep(waitMs)
  })

  // The schedule has no end, so that no failure is the last one.
  return yield* Effect.forever(Effect.orDie(Effect.retry(session, pace(report))))
})
