/** The life of one probe of one container: sleep until it is due, run, judge; nothing runs between (parity H1–H3). */
import { Clock, Deferred, Duration, Effect } from "effect"
import type { Pod } from "../../domain/k8s/pod.ts"
import type { ProbeVerdict } from "../../domain/pod/model.ts"
import { afterRun, beginCourse, type RunOutcome } from "../../domain/probes/course.ts"
import { type ProbeKind, probeOf, settingsOf } from "../../domain/probes/settings.ts"
import type { ProbeSubject } from "../../domain/probes/subjects.ts"
import { Cri } from "../../layers/cri/Cri.ts"
import { Prober } from "../../layers/probes/Prober.ts"
import { EventRecorder } from "../events/EventRecorder.ts"
import { NodeState } from "../node/NodeState.ts"
import { probeMetrics } from "./probeMetrics.ts"
import { attemptOf, probeRunner, type ProbeTools } from "./probeRun.ts"

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

type Run = () => Effect.Effect<RunOutcome>

/** Runs the probe as its container and the pod's address are now. */
const makeRun = Effect.fnUntraced(function*(probed: Probed, kind: ProbeKind) {
  const node = yield* NodeState
  const tools: ProbeTools = {
    cri: yield* Cri,
    prober: yield* Prober,
    events: yield* EventRecorder,
    clock: yield* Clock.Clock,
    context: yield* Effect.context()
  }
  const metrics = probeMetrics(probed.pod, probed.subject.slot.name, kind)
  let made: { readonly pod: Pod; readonly subject: ProbeSubject; readonly podIp: string; readonly run: Run } | undefined
  const runAt = ([podIp = ""]: ReadonlyArray<string>) => {
    const { pod, subject } = probed
    if (made?.pod !== pod || made.subject !== subject || made.podIp !== podIp) {
      const attempt = attemptOf(tools, kind, subject, podIp)
      made = { pod, subject, podIp, run: probeRunner(tools, { pod, subject, kind, metrics, attempt }) }
    }
    return made.run()
  }
  if (probed.pod.spec.hostNetwork === true) return () => Effect.flatMap(node.ips, runAt)
  // Looks at no more than it must: with probes by the thousand, what they look at takes longer than what they do.
  return () =>
    made !== undefined && made.pod === probed.pod && made.subject === probed.subject
      ? made.run()
      : runAt(probed.subject.ips)
})

/** Ends with the last run there is: liveness with a failure, startup with either verdict, readiness never. */
export const followProbe = Effect.fnUntraced(function*(probed: Probed, kind: ProbeKind, options: FollowOptions) {
  const { container, slot } = probed.subject
  const clock = yield* Clock.Clock
  const run = yield* makeRun(probed, kind)
  const settings = settingsOf(probeOf(slot.container, kind) ?? {})
  const releasedAtMs = kind === "startup" ? container.startedAtMs : yield* Deferred.await(probed.released)
  let course = beginCourse({
    kind,
    settings,
    containerStartedAtMs: container.startedAtMs,
    releasedAtMs,
    nowMs: clock.currentTimeMillisUnsafe(),
    agentStartedAtMs: options.agentStartedAtMs,
    key: options.key
  })
  while (course.nextAtMs !== undefined) {
    yield* clock.sleep(Duration.millis(Math.max(0, course.nextAtMs - clock.currentTimeMillisUnsafe())))
    const outcome = yield* run()
    const next = afterRun(course, { kind, settings, outcome, nowMs: clock.currentTimeMillisUnsafe() })
    if (next.verdict !== undefined && next.verdict !== course.verdict) yield* options.decide(next.verdict)
    course = next
  }
})
