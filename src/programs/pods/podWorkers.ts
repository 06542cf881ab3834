/**
 * The workers of the node's pods: one supervised fiber for each UID, started when a source names the pod and woken by
 * whatever concerns it. One worker that hangs or breaks never holds up another.
 */
import { Effect, FiberMap, Stream } from "effect"
import { parseTime } from "../../domain/k8s/time.ts"
import * as Bell from "../Bell.ts"
import { Devices } from "../devices/Devices.ts"
import { ProbeSet } from "../probes/ProbeSet.ts"
import { RuntimeHealth } from "../runtime/RuntimeHealth.ts"
import { runtimeWatch } from "../runtime/runtimeWatch.ts"
import { supervise, superviseToEnd } from "../supervise.ts"
import { PodVolumes } from "../volumes/PodVolumes.ts"
import { Admission } from "./Admission.ts"
import { type DesiredPod, fullName, PodRegistry } from "./PodRegistry.ts"
import { beginPodTrace, endPodTrace } from "./podTrace.ts"
import { podWorker } from "./podWorker.ts"
import { rejectedPod } from "./rejectedPod.ts"

const createdAt = ({ pod }: DesiredPod): number => parseTime(pod.metadata.creationTimestamp ?? "") ?? 0

/** What is told of a pod's probes, volumes and devices. Runs for ever. */
const wakeUps = Effect.fnUntraced(function*(wake: (uid: string) => Effect.Effect<void>) {
  const devices = yield* Devices
  const probes = yield* ProbeSet
  const volumes = yield* PodVolumes
  const wakeEach = (uids: Iterable<string>) => Effect.forEach(uids, wake, { discard: true })
  const holders = Effect.map(devices.holdings, (holdings) => new Set(holdings.map(({ podUid }) => podUid)))
  return yield* Effect.all([
    supervise("probe wake-ups", Effect.forever(Effect.flatMap(probes.changed, wakeEach))),
    supervise("volume wake-ups", Effect.forever(Effect.flatMap(volumes.changed, wakeEach))),
    supervise("device wake-ups", Stream.runForEach(devices.changes, () => Effect.flatMap(holders, wakeEach)))
  ], { concurrency: "unbounded", discard: true })
})

/** Runs for ever. */
export const podWorkers = Effect.gen(function*() {
  const registry = yield* PodRegistry
  const admission = yield* Admission
  const health = yield* RuntimeHealth
  const fibers = yield* FiberMap.make<string, void>()
  const wakes = new Map<string, Bell.Bell>()
  // Full name of a running pod → UID, so that a static pod waits for the end of its predecessor (parity C10).
  const names = new Map<string, string>()

  const wake = (uid: string): Effect.Effect<void> =>
    Effect.suspend(() => {
      const bell = wakes.get(uid)
      return bell === undefined ? Effect.void : Bell.ring(bell)
    })
  const wakeAll = Effect.suspend(() => Effect.forEach([...wakes.keys()], wake, { discard: true }))

  const begin = Effect.fnUntraced(function*(desired: DesiredPod) {
    const uid = desired.pod.metadata.uid
    const name = fullName(desired.pod)
    const bell = yield* Bell.make
    wakes.set(uid, bell)
    names.set(name, uid)
    const trace = yield* beginPodTrace(desired.pod)
    const verdict = yield* Effect.withParentSpan(admission.decide(desired), trace)
    const life = verdict._tag === "Admitted" ? podWorker(uid, bell, trace) : rejectedPod(uid, verdict, bell)
    const ended = Effect.gen(function*() {
      yield* endPodTrace(trace)
      wakes.delete(uid)
      if (names.get(name) === uid) names.delete(name)
      // A successor of the same name may have waited for this end.
      for (const other of yield* registry.all) {
        if (fullName(other.pod) === name && other.pod.metadata.uid !== uid) {
          yield* registry.touch(other.pod.metadata.uid)
        }
      }
    })
    const whole = Effect.andThen(superviseToEnd("pod worker", life), ended)
    yield* FiberMap.run(fibers, uid, whole.pipe(Effect.annotateLogs({ pod: name, uid }), Effect.withParentSpan(trace)))
  })

  const changed = Effect.fnUntraced(function*(desired: DesiredPod) {
    const uid = desired.pod.metadata.uid
    if (wakes.has(uid)) return yield* wake(uid)
    // Never worked on and gone already: what the runtime may hold of it is an orphan's case.
    if (desired.removed) return yield* registry.forget(uid)
    const holder = names.get(fullName(desired.pod))
    if (holder !== undefined && desired.source !== "api") return
    yield* begin(desired)
  })

  const desiredLoop = Effect.gen(function*() {
    while (true) {
      const uids = yield* registry.changed
      const entries = yield* Effect.forEach(uids, registry.get)
      const present = entries.filter((entry) => entry !== undefined).sort((a, b) => createdAt(a) - createdAt(b))
      for (const desired of present) yield* changed(desired)
    }
  })

  return yield* Effect.all([
    supervise("desired pods", desiredLoop),
    wakeUps(wake),
    supervise("runtime wake-ups", Stream.runForEach(health.changes, () => wakeAll)),
    runtimeWatch(wake)
  ], { concurrency: "unbounded", discard: true })
}).pipe(Effect.scoped)
