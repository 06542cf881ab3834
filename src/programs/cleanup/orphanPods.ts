/**
 * Ends what runs here and nobody asked for: sandboxes and containers of pods that no source names (parity C14). Not
 * before every source has been heard, because a pod that is merely late is no orphan (parity C3).
 */
import { Effect } from "effect"
import { annotationPodDeletionGracePeriod, annotationPodTerminationGracePeriod } from "../../domain/runtime/labels.ts"
import { ContainerState, Cri } from "../../layers/cri/Cri.ts"
import { PodRegistry } from "../pods/PodRegistry.ts"
import type { RuntimePod } from "../runtime/RuntimeIndex.ts"
import { RuntimeView } from "../runtime/RuntimeView.ts"
import { supervise } from "../supervise.ts"

/** Between two rounds while there are orphans. */
const againMs = 2000
/** When nothing tells of a new one; every two seconds at the kubelet (parity C11: housekeeping). */
const quietMs = 60_000
/** Grace of a container whose labels do not tell one, in seconds (parity C14). */
const defaultGraceSeconds = 1

const graceOf = (annotations: Readonly<Record<string, string>>): number => {
  const text = annotations[annotationPodDeletionGracePeriod] ?? annotations[annotationPodTerminationGracePeriod]
  const seconds = Number(text ?? Number.NaN)
  return Number.isInteger(seconds) && seconds >= 0 ? seconds : defaultGraceSeconds
}

/** Runs for ever. */
export const orphanPods = Effect.gen(function*() {
  const cri = yield* Cri
  const registry = yield* PodRegistry
  const view = yield* RuntimeView

  const stopContainer = Effect.fnUntraced(function*(containerId: string) {
    const answer = yield* cri.containerStatus({ containerId })
    if (answer.status?.state !== ContainerState.CONTAINER_RUNNING) return
    const timeout = graceOf(answer.status.annotations)
    yield* cri.stopContainer({ containerId, timeout: BigInt(timeout) }, { timeoutMs: (timeout + 120) * 1000 })
  }, (effect) => Effect.catchReason(effect, "CriError", "NotFound", () => Effect.void))

  const end = Effect.fnUntraced(function*(pod: RuntimePod) {
    yield* Effect.logInfo(`ending the pod ${pod.namespace}/${pod.name}, which no source names any more`)
    yield* Effect.forEach(pod.containerIds, stopContainer, { concurrency: "unbounded", discard: true })
    yield* Effect.forEach(pod.containerIds, (containerId) => cri.removeContainer({ containerId }), { discard: true })
    yield* Effect.forEach(
      pod.sandboxIds,
      (podSandboxId) => Effect.andThen(cri.stopPodSandbox({ podSandboxId }), cri.removePodSandbox({ podSandboxId })),
      { discard: true }
    )
  }, (effect, pod) => Effect.catch(effect, (error) => Effect.logWarning(`cannot end the orphan pod ${pod.uid}`, error)))

  const round = Effect.gen(function*() {
    if (!(yield* registry.allSourcesHeard)) return false
    const orphans = yield* view.podsBut(yield* registry.has)
    if (orphans.length === 0) return false
    yield* Effect.forEach(orphans, end, { concurrency: 8, discard: true })
    yield* view.relist
    return true
  })

  // A pod is an orphan since the node is asked for fewer pods than before, or has found one more.
  const due = Effect.raceAllFirst([registry.fewerAsked, view.found, Effect.sleep(quietMs)])
  const loop = Effect.forever(Effect.flatMap(round, (wereSome) => wereSome ? Effect.sleep(againMs) : due), {
    disableYield: true
  })
  return yield* supervise("orphan pods", loop)
})
