/**
 * One trace for each pod that starts here (parity T3), from the moment the node learns of it until the API server shows
 * it started. What a pod's worker sets going in between (admission, volumes, sandbox, pulls, containers, statuses) is
 * part of it, because it runs in fibers of the worker.
 */
import { Clock, Effect, Exit, type Tracer } from "effect"
import type { Pod } from "../../domain/k8s/pod.ts"
import type { PodStatus } from "../../domain/k8s/podStatus.ts"
import { fullName } from "./PodRegistry.ts"

const phaseKey = "k8s.pod.phase"

/** The span of the whole, under the names that the kubelet has for it. A pod that has started already has no trace. */
export const beginPodTrace = (pod: Pod): Effect.Effect<Tracer.Span> => {
  const { name, namespace, uid } = pod.metadata
  const started = (pod.status?.phase ?? "Pending") !== "Pending"
  return Effect.makeSpan("syncPod", {
    root: true,
    ...(started ? { sampled: false } : {}),
    attributes: {
      "k8s.pod": fullName(pod),
      "k8s.pod.name": name,
      "k8s.pod.uid": uid,
      "k8s.namespace.name": namespace,
      "k8s.pod.update_type": "create"
    }
  })
}

/** Ending twice does nothing. */
export const endPodTrace = (trace: Tracer.Span): Effect.Effect<void> =>
  Effect.map(Clock.currentTimeNanos, (now) => trace.end(now, Exit.void))

/** The pod has another status: if that says that it has started, the trace ends when `sent` has. Returns at once. */
export const noteStatus = Effect.fnUntraced(
  function*(trace: Tracer.Span, status: PodStatus, sent: Effect.Effect<void>) {
    if (!trace.sampled || trace.attributes.has(phaseKey) || status.phase === "Pending") return
    trace.attribute(phaseKey, status.phase)
    yield* Effect.forkScoped(Effect.andThen(sent, endPodTrace(trace)))
  }
)
