/** The life of one probe of one container: sleep until it is due, run, judge; nothing runs between (parity H1–H3). */
import { Clock, Deferred, Effect } from "effect"
import type { Pod } from "../../domain/k8s/pod.ts"
import type { ProbeVerdict } from "../../domain/pod/model.ts"
import { afterRun, beginCourse } from "../../domain/probes/course.ts"
import { type ProbeKind, probeOf, settingsOf } from "../../domain/probes/settings.ts"
import type { ProbeSubject } from "../../domain/probes/subjects.ts"
import { NodeState } from "../node/NodeState.ts"
import { probeMetrics } from "./probeMetrics.ts"
import { runProbe } from "./probeRun.ts"

/** A container under probe. */
export interface Probed {
  /** As last seen: a pod's address may come after its container. */
  subject: ProbeSubject
  pod: Pod
  verdict: ProbeVerdict
  /** When the other probes may begin: once the startup probe has succeeded, at once without one (parity H8). */
  readonly released: Deferred.Deferred<number>
}

export interface FollowOptions {
  readonly agentStartedAtMs: number
  /** Names the probe among all of the node. */
  readonly key: string
  /** A verdict that differs from the last one. */
  readonly decide: (verdict: "success" | "failure") => Effect.Effect<void>
}

const runOnce = Effect.fnUntraced(function*({ pod, subject }: Probed, kind: ProbeKind) {
  const { container, ips, slot } = subject
  const probe = probeOf(slot.container, kind) ?? {}
  const node = yield* NodeState
  const podIp = (pod.spec.hostNetwork === true ? yield* node.ips : ips)[0] ?? ""
  const metrics = probeMetrics(pod, slot.name, kind)
  return yield* runProbe({ pod, slot, containerId: container.id, podIp, kind, probe, metrics })
})

/** Ends with the last run there is: liveness with a failure, startup with either verdict, readiness never. */
export const followProbe = Effect.fnUntraced(function*(probed: Probed, kind: ProbeKind, options: FollowOptions) {
  const { container, slot } = probed.subject
  const settings = settingsOf(probeOf(slot.container, kind) ?? {})
  const releasedAtMs = kind === "startup" ? container.startedAtMs : yield* Deferred.await(probed.released)
  let course = beginCourse({
    kind,
    settings,
    containerStartedAtMs: container.startedAtMs,
    releasedAtMs,
    nowMs: yield* Clock.currentTimeMillis,
    agentStartedAtMs: options.agentStartedAtMs,
    key: options.key
  })
  while (course.nextAtMs !== undefined) {
    yield* Effect.sleep(Math.max(0, course.nextAtMs - (yield* Clock.currentTimeMillis)))
    const outcome = yield* runOnce(probed, kind)
    const next = afterRun(course, { kind, settings, outcome, nowMs: yield* Clock.currentTimeMillis })
    if (next.verdict !== undefined && next.verdict !== course.verdict) yield* options.decide(next.verdict)
    course = next
  }
})
