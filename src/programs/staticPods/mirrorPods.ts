/**
 * Shows static pods at the API server: one mirror pod for each, made again when it is deleted or differs, removed when
 * the static pod is gone (parity C5).
 */
import { Effect } from "effect"
import type { Pod } from "../../domain/k8s/pod.ts"
import * as resources from "../../domain/k8s/resources.ts"
import { isMirrorCurrent, mirrorPodOf } from "../../domain/staticPods/staticPod.ts"
import { KubeApi, type KubeObject } from "../../layers/api/KubeApi.ts"
import { NodeState } from "../node/NodeState.ts"
import { fullName, PodRegistry } from "../pods/PodRegistry.ts"
import { supervise } from "../supervise.ts"

/** Static pods are compared with their mirrors at each change, and after this long in case a call has failed. */
const checkMs = 10_000

/** Runs for ever. */
export const mirrorPods = Effect.gen(function*() {
  const api = yield* KubeApi
  const registry = yield* PodRegistry
  const nodeState = yield* NodeState

  const create = Effect.fnUntraced(function*(pod: Pod) {
    const node = yield* nodeState.node
    const { uid: _, ...metadata } = mirrorPodOf(pod, node?.metadata.uid).metadata
    const object: KubeObject = { ...mirrorPodOf(pod, node?.metadata.uid), metadata }
    // One that exists already is on its way to the registry.
    yield* api.create(resources.pods, object).pipe(
      Effect.catchReason("ApiError", "AlreadyExists", () => Effect.void)
    )
  })

  const remove = (mirror: Pod) =>
    api.delete(resources.pods, { namespace: mirror.metadata.namespace, name: mirror.metadata.name }, {
      gracePeriodSeconds: 0,
      uid: mirror.metadata.uid
    }).pipe(
      Effect.catchReason("ApiError", "NotFound", () => Effect.void),
      Effect.catchReason("ApiError", "Conflict", () => Effect.void)
    )

  const attempt = <E>(what: string, pod: Pod, effect: Effect.Effect<unknown, E>) =>
    Effect.catch(effect, (error) => Effect.logWarning(`cannot ${what} the mirror of ${fullName(pod)}`, error))

  /** Whether there is anything that a call may have failed for. */
  const check = Effect.gen(function*() {
    if (!(yield* registry.allSourcesHeard)) return false
    const statics = (yield* registry.all).filter(({ removed, source }) => source !== "api" && !removed)
    const names = new Set(statics.map(({ pod }) => fullName(pod)))
    const mirrors = yield* registry.mirrors
    for (const mirror of mirrors) {
      if (!names.has(fullName(mirror))) yield* attempt("delete", mirror, remove(mirror))
    }
    for (const { pod } of statics) {
      const mirror = yield* registry.mirrorOf(pod)
      if (mirror === undefined) yield* attempt("create", pod, create(pod))
      else if (!isMirrorCurrent(mirror, pod)) yield* attempt("replace", pod, remove(mirror))
    }
    return statics.length + mirrors.length > 0
  })

  return yield* supervise(
    "mirror pods",
    Effect.forever(Effect.flatMap(check, (again) =>
      // Most nodes have no static pods: the first one is told of.
      again ? Effect.raceFirst(registry.mirrorsDue, Effect.sleep(checkMs)) : registry.mirrorsDue))
  )
})
