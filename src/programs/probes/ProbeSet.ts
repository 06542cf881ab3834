/** The probes of the pods that run here: started and stopped with their containers, each a fiber of its own (parity H). */
import { Clock, Context, Deferred, Effect, FiberMap, Layer } from "effect"
import type { Pod } from "../../domain/k8s/pod.ts"
import type { ObservedPod, ProbeVerdict } from "../../domain/pod/model.ts"
import { type ProbeKind, probeKinds } from "../../domain/probes/settings.ts"
import { type ProbeSubject, probeSubjects } from "../../domain/probes/subjects.ts"
import type { Cri } from "../../layers/cri/Cri.ts"
import type { Prober } from "../../layers/probes/Prober.ts"
import type { EventRecorder } from "../events/EventRecorder.ts"
import * as KeyedMailbox from "../KeyedMailbox.ts"
import type { NodeState } from "../node/NodeState.ts"
import { PodRegistry } from "../pods/PodRegistry.ts"
import { superviseToEnd } from "../supervise.ts"
import { withNeeds } from "../withNeeds.ts"
import { followProbe, type Probed } from "./followProbe.ts"
import { probeMetrics } from "./probeMetrics.ts"

export class ProbeSet extends Context.Service<ProbeSet, {
  /**
   * Makes the running probes fit the containers that run now. `terminating` stops liveness and startup probes and keeps
   * readiness (parity C13). A verdict that changes wakes the pod through `changed`.
   */
  readonly reconcile: (pod: Pod, observed: ObservedPod, terminating: boolean) => Effect.Effect<void>
  /** Latest verdicts by container id. */
  readonly verdicts: (uid: string) => Effect.Effect<Readonly<Record<string, ProbeVerdict>>>
  /** Ends all probes of the pod and forgets their verdicts. */
  readonly stop: (uid: string) => Effect.Effect<void>
  /** Waits for pods whose verdicts changed. One consumer. */
  readonly changed: Effect.Effect<ReadonlyArray<string>>
}>()("kubeffect/programs/probes/ProbeSet") {}

/** What a terminating pod still probes: it may serve its last requests, but nothing restarts it any more. */
const whileTerminating: ReadonlyArray<ProbeKind> = ["readiness"]
const notWhileTerminating = probeKinds.filter((kind) => !whileTerminating.includes(kind))

const fiberKey = (uid: string, id: string, kind: ProbeKind) => `${uid}/${id}/${kind}`

/** The fibers of all probes of the node, and how they begin and end. */
const makeFibers = Effect.gen(function*() {
  const services = yield* Effect.context<Cri | EventRecorder | NodeState | Prober>()
  const agentStartedAtMs = yield* Clock.currentTimeMillis
  const mailbox = yield* KeyedMailbox.make
  const fibers = yield* FiberMap.make<string, void>()

  const decide = Effect.fnUntraced(function*(probed: Probed, kind: ProbeKind, verdict: "success" | "failure") {
    probed.verdict = { ...probed.verdict, [kind]: verdict }
    if (kind === "startup" && verdict === "success") {
      yield* Deferred.succeed(probed.released, yield* Clock.currentTimeMillis)
    }
    yield* mailbox.offer(probed.pod.metadata.uid)
  })

  const begin = Effect.fnUntraced(function*(pod: Pod, subject: ProbeSubject, kinds: ReadonlyArray<ProbeKind>) {
    const { container, knownStarted } = subject
    const hasStartup = subject.kinds.includes("startup")
    const isReleased = knownStarted || !hasStartup
    const released = yield* Deferred.make<number>()
    if (isReleased) yield* Deferred.succeed(released, container.startedAtMs)
    const probed: Probed = { subject, pod, released, verdict: knownStarted && hasStartup ? { startup: "success" } : {} }
    for (const kind of kinds) {
      if (kind === "startup" && isReleased) continue
      const key = fiberKey(pod.metadata.uid, container.id, kind)
      const life = followProbe(probed, kind, {
        agentStartedAtMs,
        key,
        decide: (verdict) => decide(probed, kind, verdict)
      })
      yield* FiberMap.run(
        fibers,
        key,
        superviseToEnd(`${kind} probe`, life).pipe(
          Effect.annotateLogs("container", container.name),
          withNeeds(services)
        )
      )
    }
    return probed
  })

  const end = ({ pod, subject }: Probed, kinds: ReadonlyArray<ProbeKind>) =>
    Effect.forEach(
      kinds,
      (kind) => FiberMap.remove(fibers, fiberKey(pod.metadata.uid, subject.container.id, kind)),
      { discard: true }
    )

  return { begin, end, changed: mailbox.takeAll }
})

export const layer: Layer.Layer<ProbeSet, never, Cri | EventRecorder | NodeState | PodRegistry | Prober> = Layer.effect(
  ProbeSet,
  Effect.gen(function*() {
    const registry = yield* PodRegistry
    const { begin, changed, end } = yield* makeFibers
    const pods = new Map<string, Map<string, Probed>>()

    const forget = Effect.fnUntraced(function*(known: Map<string, Probed>, id: string) {
      const gone = known.get(id)
      known.delete(id)
      if (gone === undefined) return
      const { kinds, slot } = gone.subject
      // Metrics go on over the restarts of a container: only the last record of that name takes them along.
      if ([...known.values()].some(({ subject }) => subject.slot.name === slot.name)) return
      yield* Effect.forEach(kinds, (kind) => probeMetrics(gone.pod, slot.name, kind).remove, { discard: true })
    })

    const reconcile = Effect.fnUntraced(function*(pod: Pod, observed: ObservedPod, terminating: boolean) {
      const known = pods.get(pod.metadata.uid) ?? new Map<string, Probed>()
      pods.set(pod.metadata.uid, known)
      // A static pod has no status of its own: what was said of it stands on its mirror.
      const status = pod.status ?? (yield* registry.mirrorOf(pod))?.status
      const subjects = new Map(
        probeSubjects(pod, observed, status).map((subject) => [subject.container.id, subject])
      )
      for (const [id, probed] of known) {
        if (!subjects.has(id)) yield* end(probed, probeKinds)
        else if (terminating) yield* end(probed, notWhileTerminating)
        // The verdict on a container that has ended is kept as long as its record: it says why it ended.
        if (!observed.containers.some((container) => container.id === id)) yield* forget(known, id)
      }
      for (const [id, subject] of subjects) {
        const probed = known.get(id)
        if (probed === undefined) {
          const kinds = subject.kinds.filter((kind) => !terminating || whileTerminating.includes(kind))
          known.set(id, yield* begin(pod, subject, kinds))
        } else {
          probed.subject = subject
          probed.pod = pod
        }
      }
    })

    const stop = Effect.fnUntraced(function*(uid: string) {
      const known = pods.get(uid) ?? new Map<string, Probed>()
      for (const [id, probed] of known) yield* Effect.andThen(end(probed, probeKinds), forget(known, id))
      pods.delete(uid)
    })

    return ProbeSet.of({
      reconcile,
      stop,
      changed,
      verdicts: (uid) =>
        Effect.sync(() => Object.fromEntries([...pods.get(uid) ?? []].map(([id, { verdict }]) => [id, verdict])))
    })
  })
)
