/**
 * Brings the statuses that the workers compute to the API server: one fiber a pod that always sends the newest, never
 * the same twice, and the final DELETE once a pod is over (parity F6, F7).
 */
import { Context, Duration, Effect, FiberMap, Latch, Layer, Metric, Schedule } from "effect"
import { decodePod } from "../../domain/k8s/decode.ts"
import type { Pod } from "../../domain/k8s/pod.ts"
import type { PodStatus } from "../../domain/k8s/podStatus.ts"
import * as resources from "../../domain/k8s/resources.ts"
import { statusPatch } from "../../domain/pod/statusPatch.ts"
import { type ApiError, KubeApi, type KubeObject } from "../../layers/api/KubeApi.ts"

export class StatusWriter extends Context.Service<StatusWriter, {
  /** Takes the status as the newest of the pod. Returns at once. `pod` is the API's object: a static pod's mirror. */
  readonly publish: (pod: Pod, status: PodStatus) => Effect.Effect<void>
  /** The API's object changed: sends the status again where the server shows another (parity C2 RECONCILE). */
  readonly reconcile: (pod: Pod) => Effect.Effect<void>
  /** The newest status published under a UID. */
  readonly latest: (uid: string) => Effect.Effect<PodStatus | undefined>
  /** Waits until the newest status is at the server, or the object is gone. */
  readonly flushed: (uid: string) => Effect.Effect<void>
  /** After the newest status, removes the object for good: DELETE with grace 0 and its UID. Retries until it is gone. */
  readonly remove: (pod: Pod) => Effect.Effect<void>
  /** Forgets the pod and ends its fiber. */
  readonly forget: (uid: string) => Effect.Effect<void>
}>()("kubeffect/programs/status/StatusWriter") {}

const syncDuration = Metric.histogram("kubelet_pod_status_sync_duration_seconds", {
  description: "Duration in seconds to sync a pod status update to the API server.",
  boundaries: [0.01, 0.05, 0.1, 0.5, 1, 5, 10, 20, 30, 45, 60]
})

const retry = Schedule.min([Schedule.exponential("100 millis"), Schedule.spaced("10 seconds")]).pipe(Schedule.jittered)

/** Resource versions grow as numbers on every server that we know; one that is no number counts as always newer. */
const versionOf = (text: string | undefined): number => {
  const version = Number(text)
  return Number.isNaN(version) ? Number.POSITIVE_INFINITY : version
}

interface Entry {
  /** The API's object, newest first seen: its uid is the precondition of every patch. */
  pod: Pod
  wanted: PodStatus | undefined
  /** The newest status that the server took, as we sent it: what it does not know of is not sent for ever (parity Q2). */
  sent: PodStatus | undefined
  /** What the server shows, from its last answer or a watch. */
  shown: PodStatus | undefined
  /** Version of the object `shown` is from: an event of the watch that is older says nothing new. */
  shownVersion: number
  /** Open while there is something to send. */
  readonly work: Latch.Latch
  /** Open while nothing is left to send. */
  readonly idle: Latch.Latch
  gone: boolean
}

export const layer: Layer.Layer<StatusWriter, never, KubeApi> = Layer.effect(
  StatusWriter,
  Effect.gen(function*() {
    const api = yield* KubeApi
    const entries = new Map<string, Entry>()
    const fibers = yield* FiberMap.make<string, void>()

    const statusOf = (object: KubeObject): PodStatus | undefined => {
      const decoded = decodePod(object)
      return decoded._tag === "Success" ? decoded.success.status : undefined
    }

    const send = Effect.fnUntraced(function*(entry: Entry, wanted: PodStatus) {
      const { name, namespace, uid } = entry.pod.metadata
      const patch = statusPatch(entry.shown, wanted, uid)
      if (patch === undefined) {
        entry.sent = wanted
        return
      }
      const answer = yield* api.patch(
        resources.pods,
        { namespace, name },
        { type: "strategic", body: patch },
        { subresource: "status" }
      )
      entry.sent = wanted
      entry.shown = statusOf(answer)
      entry.shownVersion = versionOf(answer.metadata.resourceVersion)
    }, (effect) => Effect.trackDuration(effect, syncDuration, Duration.toSeconds))

    /** The object is gone, or another one has its name: there is nobody left to tell. */
    const lost = (entry: Entry) =>
      Effect.sync(() => {
        entry.gone = true
        entry.idle.openUnsafe()
      })

    /**
     * A conflict means that another object has the name, or that many wrote to this one and the server gave up: only
     * the first is an end, the second is tried again like any failure.
     */
    const replaced = Effect.fnUntraced(function*(pod: Pod, conflict: ApiError, whenGone: Effect.Effect<void>) {
      const { name, namespace, uid } = pod.metadata
      const current = yield* api.get(resources.pods, { namespace, name }).pipe(
        Effect.map(({ metadata }) => metadata.uid),
        Effect.catchReason("ApiError", "NotFound", () => Effect.succeed(undefined))
      )
      if (current === uid) return yield* conflict
      yield* whenGone
    })

    const writer = (entry: Entry) =>
      Effect.gen(function*() {
        while (!entry.gone) {
          yield* entry.work.await
          entry.work.closeUnsafe()
          const wanted = entry.wanted
          if (wanted !== undefined && entry.sent !== wanted) {
            yield* send(entry, wanted).pipe(
              Effect.catchReason("ApiError", "NotFound", () => lost(entry)),
              Effect.catchReason("ApiError", "Conflict", (_, error) => replaced(entry.pod, error, lost(entry))),
              Effect.tapError((error) => Effect.logWarning("cannot post the status of a pod", error)),
              Effect.retry({ schedule: retry, while: () => entry.wanted === wanted }),
              // A newer status is wanted by now: that one is tried next.
              Effect.catch(() => Effect.void)
            )
          }
          if (entry.wanted === entry.sent) entry.idle.openUnsafe()
          else entry.work.openUnsafe()
        }
      })

    const entryOf = Effect.fnUntraced(function*(pod: Pod) {
      const uid = pod.metadata.uid
      const known = entries.get(uid)
      if (known !== undefined) {
        known.pod = pod
        return known
      }
      const entry: Entry = {
        pod,
        wanted: undefined,
        sent: undefined,
        shown: pod.status,
        shownVersion: versionOf(pod.metadata.resourceVersion),
        work: yield* Latch.make(false),
        idle: yield* Latch.make(true),
        gone: false
      }
      entries.set(uid, entry)
      yield* FiberMap.run(fibers, uid, writer(entry))
      return entry
    })

    const publish = Effect.fnUntraced(function*(pod: Pod, status: PodStatus) {
      const entry = yield* entryOf(pod)
      if (entry.gone || entry.wanted === status) return
      entry.wanted = status
      entry.idle.closeUnsafe()
      entry.work.openUnsafe()
    })

    const reconcile = Effect.fnUntraced(function*(pod: Pod) {
      const entry = entries.get(pod.metadata.uid)
      if (entry === undefined || entry.wanted === undefined || entry.sent !== entry.wanted) return
      const version = versionOf(pod.metadata.resourceVersion)
      if (version <= entry.shownVersion) return
      entry.shownVersion = version
      if (statusPatch(entry.shown, pod.status ?? {}, pod.metadata.uid) === undefined) return
      entry.shown = pod.status
      entry.sent = undefined
      entry.idle.closeUnsafe()
      entry.work.openUnsafe()
    })

    const flushed = (uid: string) => Effect.suspend(() => entries.get(uid)?.idle.await ?? Effect.void)

    const remove = Effect.fnUntraced(function*(pod: Pod) {
      const { name, namespace, uid } = pod.metadata
      yield* flushed(uid)
      yield* api.delete(resources.pods, { namespace, name }, { gracePeriodSeconds: 0, uid }).pipe(
        Effect.asVoid,
        Effect.catchReason("ApiError", "NotFound", () => Effect.void),
        Effect.catchReason("ApiError", "Conflict", (_, error) => replaced(pod, error, Effect.void)),
        Effect.tapError((error) => Effect.logWarning("cannot delete a pod that has ended", error)),
        Effect.retry({ schedule: retry }),
        Effect.orDie
      )
    })

    const forget = (uid: string) =>
      Effect.suspend(() => {
        entries.delete(uid)
        return FiberMap.remove(fibers, uid)
      })

    return StatusWriter.of({
      publish,
      reconcile,
      flushed,
      remove,
      forget,
      latest: (uid) => Effect.sync(() => entries.get(uid)?.wanted)
    })
  })
)
