/**
 * One pod's life on the node: look, plan, act, report, sleep. Wake-ups carry no truth: every turn reads the desired pod
 * and the runtime afresh and lets `plan` decide, so lost, repeated or reordered events cannot hurt. Actions run beside
 * the loop in lanes, at most one of each kind, so that a slow pull or stop never keeps the pod from being looked at.
 */
import { Clock, Effect, FiberMap, Queue, Ref } from "effect"
import type { Pod } from "../../domain/k8s/pod.ts"
import { parseTime } from "../../domain/k8s/time.ts"
import type { Action, ObservedPod, Plan, PodMemory } from "../../domain/pod/model.ts"
import { plan } from "../../domain/pod/plan.ts"
import { EventRecorder } from "../events/EventRecorder.ts"
import { NodeState } from "../node/NodeState.ts"
import { ProbeSet } from "../probes/ProbeSet.ts"
import { RuntimeView } from "../runtime/RuntimeView.ts"
import { StatusWriter } from "../status/StatusWriter.ts"
import { PodVolumes } from "../volumes/PodVolumes.ts"
import { laneOf, occupy, settle } from "./lanes.ts"
import { PodActions } from "./PodActions.ts"
import { type DesiredPod, PodRegistry } from "./PodRegistry.ts"

/** After a look at the runtime that failed: the runtime's own health decides how long it lasts. */
const runtimeRetryMs = 1000

/** What a worker starts with: nothing of its own, so what the API object last said about the pod (crash-only). */
const initialMemory = (apiPod: Pod | undefined, nowMs: number): PodMemory => ({
  acceptedAtMs: parseTime(apiPod?.status?.startTime ?? "") ?? nowMs,
  lastStatus: apiPod?.status,
  startFailures: {},
  sandboxFailure: undefined,
  restartBackoff: {},
  busy: { sandbox: false, start: undefined, kills: {} },
  termination: undefined
})

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

interface State {
  readonly memory: PodMemory
  /** Grows with every change a lane makes, so that a turn notices that its look at the runtime is older than that. */
  readonly epoch: number
}

interface Turn {
  readonly desired: DesiredPod
  readonly observed: ObservedPod
  readonly next: Plan
}

/** Runs until the pod is over and its source has dropped it. */
export const podWorker = Effect.fnUntraced(function*(uid: string, wake: Queue.Queue<void>) {
  const registry = yield* PodRegistry
  const runtime = yield* RuntimeView
  const nodeState = yield* NodeState
  const probes = yield* ProbeSet
  const volumes = yield* PodVolumes
  const statuses = yield* StatusWriter
  const events = yield* EventRecorder
  const actions = yield* PodActions
  const lanes = yield* FiberMap.make<string, void>()

  /** The API's object of the pod: itself, or the mirror of a static one. */
  const apiObject = (desired: DesiredPod) =>
    desired.source === "api" ? Effect.succeed<Pod | undefined>(desired.pod) : registry.mirrorOf(desired.pod)

  const first = yield* registry.get(uid)
  if (first === undefined) return
  const state = yield* Ref.make<State>({
    memory: initialMemory(yield* apiObject(first), yield* Clock.currentTimeMillis),
    epoch: 0
  })

  const look = Effect.fnUntraced(function*(desired: DesiredPod) {
    const before = (yield* Ref.get(state)).epoch
    const observed = yield* runtime.observe(uid)
    const view = {
      pod: desired.pod,
      source: desired.source,
      observed,
      probes: yield* probes.verdicts(uid),
      volumes: yield* volumes.state(uid),
      node: yield* nodeState.view,
      nowMs: yield* Clock.currentTimeMillis
    }
    // One step, so that no lane can end between the check and the plan.
    const next = yield* Ref.modify(state, (current) => {
      if (current.epoch !== before) return [undefined, current]
      const planned = plan({ ...view, memory: withEnding(current.memory, desired) })
      return [planned, { ...current, memory: planned.actions.reduce(occupy, planned.memory) }]
    })
    return next === undefined ? undefined : { desired, observed, next }
  })

  const start = Effect.fnUntraced(function*({ desired, observed }: Turn, action: Action) {
    const lane = laneOf(action)
    if (lane === undefined) return yield* FiberMap.remove(lanes, "start")
    const run = actions.run({ pod: desired.pod, source: desired.source, observed }, action).pipe(
      Effect.onExit((exit) =>
        Ref.update(state, ({ epoch, memory }) => ({ epoch: epoch + 1, memory: settle(memory, action, exit) })).pipe(
          Effect.andThen(Queue.offer(wake, undefined))
        )
      ),
      Effect.asVoid
    )
    yield* FiberMap.run(lanes, lane, run)
  })

  const report = Effect.fnUntraced(function*({ desired, next }: Turn) {
    const apiPod = yield* apiObject(desired)
    if (apiPod !== undefined && !desired.removed) yield* statuses.publish(apiPod, next.status)
    yield* Effect.forEach(next.events, (event) => events.recordPod(apiPod ?? desired.pod, event), { discard: true })
  })

  /** Everything has stopped: give back what the pod held; when its deletion was asked for, end the API object. */
  const finish = Effect.fnUntraced(function*({ desired }: Turn) {
    yield* probes.stop(uid)
    yield* volumes.release(uid)
    yield* actions.releaseResources(desired.pod)
    const current = (yield* registry.get(uid)) ?? desired
    if (current.removed) {
      yield* actions.removeRecords(current.pod)
      yield* statuses.forget(uid)
      yield* registry.forget(uid)
      return true
    }
    if (current.source === "api" && current.pod.metadata.deletionTimestamp !== undefined) {
      yield* statuses.remove(current.pod)
    }
    return false
  })

  let graceSeconds = Number.POSITIVE_INFINITY
  /** A deletion may be repeated with a shorter grace (parity C10): stops under way then begin anew with it. */
  const shortenGrace = Effect.fnUntraced(function*(pod: Pod) {
    const wanted = pod.metadata.deletionGracePeriodSeconds ?? Number.POSITIVE_INFINITY
    const shrunk = wanted < graceSeconds && graceSeconds !== Number.POSITIVE_INFINITY
    graceSeconds = Math.min(wanted, graceSeconds)
    if (!shrunk) return
    const kills = Object.keys((yield* Ref.get(state)).memory.busy.kills)
    yield* Effect.forEach(kills, (id) => FiberMap.remove(lanes, `container:${id}`), { discard: true })
  })

  while (true) {
    const desired = yield* registry.get(uid)
    if (desired === undefined) return
    yield* shortenGrace(desired.pod)
    const turn = yield* look(desired).pipe(
      Effect.catch((error) =>
        Effect.as(Effect.logWarning("cannot look at the pod's containers", error), "failed" as const)
      )
    )
    if (turn === undefined) continue
    if (turn === "failed") {
      yield* Effect.raceFirst(Queue.take(wake), Effect.sleep(runtimeRetryMs))
      continue
    }
    const { next, observed } = turn
    yield* report(turn)
    if (next.stage === "syncing") yield* volumes.want(desired.pod)
    if (next.stage !== "terminated") {
      yield* probes.reconcile(desired.pod, afterStart(observed, next.memory), next.stage === "terminating")
    }
    yield* Effect.forEach(next.actions, (action) => start(turn, action), { discard: true })
    if (next.stage === "terminated" && (yield* finish(turn))) return
    const pauseMs = next.wakeAtMs === undefined
      ? undefined
      : Math.max(0, next.wakeAtMs - (yield* Clock.currentTimeMillis))
    yield* pauseMs === undefined
      ? Queue.take(wake)
      : Effect.raceFirst(Queue.take(wake), Effect.sleep(pauseMs))
  }
}, Effect.scoped)
