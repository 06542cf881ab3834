/** The short life of a pod that the node did not take: it is told so once, and never tried again (parity C6). */
import { Clock, Effect } from "effect"
import { formatTime } from "../../domain/k8s/time.ts"
import * as Bell from "../Bell.ts"
import { EventRecorder } from "../events/EventRecorder.ts"
import { StatusWriter } from "../status/StatusWriter.ts"
import type { AdmissionVerdict } from "./Admission.ts"
import { PodRegistry } from "./PodRegistry.ts"

/** Runs until the pod's source has dropped it. */
export const rejectedPod = Effect.fnUntraced(
  function*(uid: string, verdict: AdmissionVerdict & { readonly _tag: "Rejected" }, wake: Bell.Bell) {
    const registry = yield* PodRegistry
    const statuses = yield* StatusWriter
    const events = yield* EventRecorder
    const first = yield* registry.get(uid)
    if (first === undefined) return
    yield* events.recordPod(first.pod, { type: "Warning", reason: verdict.reason, message: verdict.message })
    const { generation } = first.pod.metadata
    const status = {
      ...(generation === undefined ? {} : { observedGeneration: generation }),
      phase: "Failed",
      reason: verdict.reason,
      message: `Pod was rejected: ${verdict.message}`,
      startTime: first.pod.status?.startTime ?? formatTime(yield* Clock.currentTimeMillis),
      ...(first.pod.status?.qosClass === undefined ? {} : { qosClass: first.pod.status.qosClass })
    }
    while (true) {
      const desired = yield* registry.get(uid)
      if (desired === undefined || desired.removed) break
      const apiPod = desired.source === "api" ? desired.pod : yield* registry.mirrorOf(desired.pod)
      if (apiPod !== undefined) yield* statuses.publish(apiPod, status)
      if (desired.source === "api" && desired.pod.metadata.deletionTimestamp !== undefined) {
        yield* statuses.remove(desired.pod)
      }
      yield* Bell.heard(wake)
    }
    yield* statuses.forget(uid)
    yield* registry.forget(uid)
  }
)
