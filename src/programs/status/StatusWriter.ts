/**
 * Brings the statuses that the workers compute to the API server: one fiber a pod, while there is something to send, that
 * always sends the newest, never the same twice, and the final DELETE once a pod is over (parity F6, F7).
 */
import { Context, Effect, FiberMap, Layer } from "effect"
import type { Pod } from "../../domain/k8s/pod.ts"
import type { PodStatus } from "../../domain/k8s/podStatus.ts"
import { KubeApi } from "../../layers/api/KubeApi.ts"
import * as StatusCalls from "./statusCalls.ts"
import * as StatusEntry from "./StatusEntry.ts"

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

export const layer: Layer.Layer<StatusWriter, never, KubeApi> = Layer.effect(
  StatusWriter,
  Effect.gen(function*() {
    const api = yield* KubeApi
    const entries = new Map<string, StatusEntry.StatusEntry>()
    const fibers = yield* FiberMap.make<string, void>()

    const entryOf = Effect.fnUntraced(function*(pod: Pod) {
      const uid = pod.metadata.uid
      const known = entries.get(uid)
      if (known !== undefined) {
        known.pod = pod
        return known
      }
      const entry = yield* StatusEntry.make(pod)
      entries.set(uid, entry)
      return entry
    })
    const write = (entry: StatusEntry.StatusEntry) =>
      Effect.suspend(() => {
        if (entry.writing || StatusEntry.unsent(entry) === undefined) return Effect.void
        return Effect.asVoid(FiberMap.run(fibers, entry.pod.metadata.uid, StatusCalls.writer(api, entry)))
      })
    const flushed = (uid: string) => Effect.suspend(() => entries.get(uid)?.idle.await ?? Effect.void)

    return StatusWriter.of({
      publish: (pod, status) =>
        Effect.flatMap(entryOf(pod), (entry) => {
          StatusEntry.want(entry, status)
          return write(entry)
        }),
      reconcile: (pod) =>
        Effect.suspend(() => {
          const entry = entries.get(pod.metadata.uid)
          if (entry === undefined) return Effect.void
          StatusEntry.shown(entry, pod)
          return write(entry)
        }),
      latest: (uid) => Effect.sync(() => entries.get(uid)?.wanted),
      flushed,
      remove: (pod) => Effect.andThen(flushed(pod.metadata.uid), StatusCalls.remove(api, pod)),
      forget: (uid) =>
        Effect.suspend(() => {
          entries.delete(uid)
          return FiberMap.remove(fibers, uid)
        })
    })
  })
)
