/** The calls that bring one pod's status to the API server, again and again until they have succeeded (parity F6, F7). */
import { Duration, Effect, Metric, Schedule } from "effect"
import type { Pod } from "../../domain/k8s/pod.ts"
import type { PodStatus } from "../../domain/k8s/podStatus.ts"
import * as resources from "../../domain/k8s/resources.ts"
import { statusPatch } from "../../domain/pod/statusPatch.ts"
import type { ApiError, KubeApi } from "../../layers/api/KubeApi.ts"
import * as StatusEntry from "./StatusEntry.ts"

const syncDuration = Metric.histogram("kubelet_pod_status_sync_duration_seconds", {
  description: "Duration in seconds to sync a pod status update to the API server.",
  boundaries: [0.01, 0.05, 0.1, 0.5, 1, 5, 10, 20, 30, 45, 60]
})

const retry = Schedule.min([Schedule.exponential("100 millis"), Schedule.spaced("10 seconds")]).pipe(Schedule.jittered)

/** Sends what is wanted of the entry until that is what was sent, or until its object is gone. */
export const writer = Effect.fnUntraced(
  function*(api: KubeApi["Service"], entry: StatusEntry.StatusEntry) {
    const lost = Effect.sync(() => StatusEntry.lost(entry))
    entry.writing = true
    let wanted = StatusEntry.unsent(entry)
    while (wanted !== undefined) {
      const now = wanted
      yield* send(api, entry, now).pipe(
        Effect.catchReason("ApiError", "NotFound", () => lost),
        Effect.catchReason("ApiError", "Conflict", (_, error) => replaced(api, entry.pod, error, lost)),
        Effect.tapError((error) => Effect.logWarning("cannot post the status of a pod", error)),
        Effect.retry({ schedule: retry, while: () => entry.wanted === now }),
        // A newer status is wanted by now: that one is tried next.
        Effect.catch(() => Effect.void)
      )
      wanted = StatusEntry.unsent(entry)
    }
    // In one step with the last look: whoever wants something from here on starts a writer anew.
    entry.writing = false
    entry.idle.openUnsafe()
  },
  // One that breaks is not one that writes: the next status starts another.
  (writing, _, entry) =>
    Effect.onError(writing, () =>
      Effect.sync(() => {
        entry.writing = false
      }))
)

/** DELETE with grace 0, until the object is gone or another one has its name. */
export const remove = Effect.fnUntraced(function*(api: KubeApi["Service"], pod: Pod) {
  const { name, namespace, uid } = pod.metadata
  yield* api.delete(resources.pods, { namespace, name }, { gracePeriodSeconds: 0, uid }).pipe(
    Effect.asVoid,
    Effect.catchReason("ApiError", "NotFound", () => Effect.void),
    Effect.catchReason("ApiError", "Conflict", (_, error) => replaced(api, pod, error, Effect.void)),
    Effect.tapError((error) => Effect.logWarning("cannot delete a pod that has ended", error)),
    Effect.retry({ schedule: retry }),
    Effect.orDie
  )
})

const send = Effect.fn("StatusWriter.send")(
  function*(api: KubeApi["Service"], entry: StatusEntry.StatusEntry, wanted: PodStatus) {
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
    StatusEntry.taken(entry, wanted, answer)
  },
  (effect) => Effect.trackDuration(effect, syncDuration, Duration.toSeconds)
)

/**
 * A conflict means that another object has the name, or that many wrote to this one and the server gave up: only the
 * first is an end, the second is tried again like any failure.
 */
const replaced = Effect.fnUntraced(
  function*(api: KubeApi["Service"], pod: Pod, conflict: ApiError, whenGone: Effect.Effect<void>) {
    const { name, namespace, uid } = pod.metadata
    const current = yield* api.get(resources.pods, { namespace, name }).pipe(
      Effect.map(({ metadata }) => metadata.uid),
      Effect.catchReason("ApiError", "NotFound", () => Effect.succeed(undefined))
    )
    if (current === uid) return yield* conflict
    yield* whenGone
  }
)
