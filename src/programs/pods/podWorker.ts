/**
 * One pod's life on the node: look, plan, report, act, sleep. Wake-ups carry no truth: every turn reads the desired pod
 * and the runtime afresh and lets `plan` decide, so lost, repeated or reordered events cannot hurt. Actions run beside
 * the loop in lanes, at most one of each kind, so that a slow pull or stop never keeps the pod from being looked at.
 */
import { Clock, Effect, FiberMap, Ref, type Tracer } from "effect"
import { withDeviceHealth } from "../../domain/devices/deviceHealth.ts"
import type { Pod } from "../../domain/k8s/pod.ts"
import type { Action, ObservedPod, Plan, PodMemory } from "../../domain/pod/model.ts"
import { plan } from "../../domain/pod/plan.ts"
import * as Bell from "../Bell.ts"
import { laneOf, occupy, settle } from "./lanes.ts"
import { makeWorker, type Worker, type WorkerState } from "./makeWorker.ts"
import { type DesiredPod, PodRegistry } from "./PodRegistry.ts"
import { noteStatus } from "./podTrace.ts"

/** After a look at the runtime that failed: the runtime's own health decides how long it lasts. */
const runtimeRetryMs = 1000

interface Turn {
  readonly desired: DesiredPod
  readonly observed: ObservedPod
  readonly next: Plan
}

/** What ends the pod from outside: the node itself, or its source that has dropped it. An end that began stands. */
const withEnding = (memory: PodMemory, { ending, removed }: DesiredPod): PodMemory => {
  if (memory.termination !== undefined) return memory
  if (ending !== undefined) return { ...memory, termination: ending }
  return removed ? { ...memory, termination: { why: "Removed" } } : memory
}

/** A container whose postStart hook still runs has not come up: nothing probes it yet (parity D13). */
const afterStart = (observed: ObservedPod, { busy }: PodMemory): ObservedPod => ({
  ...observed,
  containers: observed.containers.filter(({ name, state }) => name !== busy.start || state === "Exited")
})

/** A deletion may be repeated with a shorter grace (parity C10): stops under way then begin anew with it. */
const shortenGrace = Effect.fnUntraced(function*({ graceSeconds, lanes, state }: Worker, pod: Pod) {
  const wanted = pod.metadata.deletionGracePeriodSeconds ?? Number.POSITIVE_INFINITY
  const before = yield* Ref.getAndUpdate(graceSeconds, (known) => Math.min(wanted, known))
  if (before === Number.POSITIVE_INFINITY || wanted >= before) return
  const kills = Object.keys((yield* Ref.get(state)).memory.busy.kills)
  yield* Effect.forEach(kills, (id) => FiberMap.remove(lanes, `container:${id}`), { discard: true })
})

/** Looks and plans; undefined if a lane ended meanwhile, so that what was seen is out of date. */
const look = Effect.fnUntraced(function*(worker: Worker, wanted: DesiredPod) {
  const { nodeState, probes, resizes, runtime, state, uid, volumes } = worker
  const before = (yield* Ref.get(state)).epoch
  const { pod, resize } = yield* resizes.settle(wanted)
  // What the pod asks for beyond its allotment concerns nobody until it is granted (parity D17).
  const desired = { ...wanted, pod }
  const observed = yield* runtime.observe(uid)
  const view = {
    pod,
    resize,
    source: desired.source,
    observed,
    probes: yield* probes.verdicts(uid),
    volumes: yield* volumes.state(uid),
    node: yield* nodeState.view,
    nowMs: yield* Clock.currentTimeMillis
  }
  // One step, so that no lane can end between the check and the plan.
  const next = yield* Ref.modify(state, (current): [Plan | undefined, WorkerState] => {
    if (current.epoch !== before) return [undefined, current]
    const planned = plan({ ...view, memory: withEnding(current.memory, desired) })
    return [planned, { ...current, memory: planned.actions.reduce(occupy, planned.memory) }]
  })
  return next === undefined ? undefined : { desired, observed, next }
})

const report = Effect.fnUntraced(function*(worker: Worker, { desired, next }: Turn) {
  const { apiObject, devices, events, statuses, uid } = worker
  const apiPod = yield* apiObject(desired)
  if (apiPod !== undefined && !desired.removed) {
    const status = withDeviceHealth(next.status, uid, yield* devices.holdings, yield* devices.resources)
    yield* statuses.publish(apiPod, status)
  }
  yield* Effect.forEach(next.events, (event) => events.recordPod(apiPod ?? desired.pod, event), { discard: true })
})

/** Whose status the API shows: the pod's own, or its mirror's. */
const statusUid = ({ apiObject, uid }: Worker, desired: DesiredPod) =>
  Effect.map(apiObject(desired), (shown) => shown?.metadata.uid ?? uid)

/** Volumes and probes as the pod's stage wants them. */
const attend = Effect.fnUntraced(function*({ probes, volumes }: Worker, { desired, next, observed }: Turn) {
  if (next.stage === "syncing") yield* volumes.want(desired.pod)
  if (next.stage !== "terminated") {
    yield* probes.reconcile(desired.pod, afterStart(observed, next.memory), next.stage === "terminating")
  }
})

const start = Effect.fnUntraced(function*(worker: Worker, { desired, observed }: Turn, action: Action) {
  const { actions, lanes, state, wake } = worker
  const lane = laneOf(action)
  if (lane === undefined) return yield* FiberMap.remove(lanes, "start")
  const run = actions.run({ pod: desired.pod, source: desired.source, observed }, action).pipe(
    Effect.onExit((exit) =>
      Ref.update(state, ({ epoch, memory }) => ({ epoch: epoch + 1, memory: settle(memory, action, exit) })).pipe(
        Effect.andThen(Bell.ring(wake))
      )
    ),
    Effect.asVoid
  )
  yield* FiberMap.run(lanes, lane, run)
})

/** Everything has stopped: gives back what the pod held. */
const giveBack = Effect.fnUntraced(function*(worker: Worker, { desired }: Turn) {
  const { actions, probes, resizes, uid, volumes } = worker
  yield* probes.stop(uid)
  yield* volumes.release(uid)
  yield* actions.releaseResources(desired.pod)
  yield* resizes.roomMade
})

/** When the deletion of a pod that holds nothing was asked for, ends the API object. True if nothing is left to do. */
const finish = Effect.fnUntraced(function*(worker: Worker, { desired }: Turn) {
  const { actions, registry, resizes, statuses, uid } = worker
  const current = (yield* registry.get(uid)) ?? desired
  if (current.removed) {
    yield* actions.removeRecords(current.pod)
    yield* statuses.forget(uid)
    yield* registry.forget(uid)
    yield* resizes.forget(uid)
    return true
  }
  if (current.source === "api" && current.pod.metadata.deletionTimestamp !== undefined) {
    yield* statuses.remove(current.pod)
  }
  return false
})

/** Sleeps until somebody wakes the pod, or the plan's own time has come. */
const rest = Effect.fnUntraced(function*({ wake }: Worker, wakeAtMs: number | undefined) {
  const nowMs = yield* Clock.currentTimeMillis
  yield* Bell.heardWithin(wake, wakeAtMs === undefined ? undefined : Math.max(0, wakeAtMs - nowMs))
})

/** Runs until the pod is over and its source has dropped it. `trace`: of the pod's start. */
export const podWorker = Effect.fnUntraced(function*(uid: string, wake: Bell.Bell, trace: Tracer.Span) {
  const registry = yield* PodRegistry
  const first = yield* registry.get(uid)
  if (first === undefined) return
  const worker = yield* makeWorker(first, wake)
  let hasGivenBack = false

  while (true) {
    const desired = yield* registry.get(uid)
    if (desired === undefined) return
    yield* shortenGrace(worker, desired.pod)
    const turn = yield* look(worker, desired).pipe(
      Effect.catch((error) =>
        Effect.as(Effect.logWarning("cannot look at the pod's containers", error), "failed" as const)
      )
    )
    if (turn === undefined) continue
    if (turn === "failed") {
      yield* Bell.heardWithin(wake, runtimeRetryMs)
      continue
    }
    yield* report(worker, turn)
    yield* noteStatus(trace, turn.next.status, worker.statuses.flushed(yield* statusUid(worker, desired)))
    yield* attend(worker, turn)
    yield* Effect.forEach(turn.next.actions, (action) => start(worker, turn, action), { discard: true })
    if (turn.next.stage === "terminated") {
      if (!hasGivenBack) yield* giveBack(worker, turn)
      if (yield* finish(worker, turn)) return
    }
    // What shows up late is ended and tidied up after like the rest.
    hasGivenBack = turn.next.stage === "terminated"
    yield* rest(worker, turn.next.wakeAtMs)
  }
}, Effect.scoped)
