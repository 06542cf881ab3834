/**
 * Carries out what a pod's volumes need, each volume by itself, and remembers how it ended. Everything about one worker
 * that outlives a turn is here.
 */
import { Cause, Clock, Effect, Exit, FiberMap, Queue, Ref } from "effect"
import type { Pod } from "../../domain/k8s/pod.ts"
import type { VolumeView } from "../../domain/pod/model.ts"
import type { ClaimState } from "../../domain/volumes/claims.ts"
import type { DesiredVolume } from "../../domain/volumes/desired.ts"
import { abandon, laneOf, settle, type VolumeAction, type VolumesMemory } from "../../domain/volumes/plan.ts"
import type { KubeApi } from "../../layers/api/KubeApi.ts"
import type { HostFiles } from "../../layers/host/HostFiles.ts"
import type { Mounts } from "../../layers/host/Mounts.ts"
import type { Processes } from "../../layers/host/Processes.ts"
import { EventRecorder } from "../events/EventRecorder.ts"
import type { CsiVolumes } from "./CsiVolumes.ts"
import { readClaims } from "./readClaims.ts"
import { setUp } from "./setUp.ts"
import { removeFolders, tearDown, tearDownSubPaths } from "./tearDown.ts"
import type { VolumeError } from "./VolumeError.ts"
import type { VolumeHost } from "./VolumeHost.ts"

/** A volume that is up. */
export interface UpVolume {
  readonly volume: DesiredVolume
  /** Empty for what the runtime mounts itself. */
  readonly hostPath: string
}

/** What others may see of a worker, and what they tell it. */
export interface PodVolumesState {
  readonly uid: string
  readonly wake: Queue.Queue<void>
  /** Undefined: all is to go. */
  pod: Pod | undefined
  view: VolumeView
  /** By volume name. */
  up: ReadonlyMap<string, UpVolume>
}

export interface WorkerMemory {
  readonly volumes: VolumesMemory
  /** By claim name. */
  readonly claims: ReadonlyMap<string, ClaimState>
  /** Where each volume is, by its name in paths. */
  readonly paths: ReadonlyMap<string, string>
  /** Grows with each action that ends, so that a turn notices that its look at the node is older than that. */
  readonly epoch: number
}

export interface Worker {
  readonly state: PodVolumesState
  readonly memory: Ref.Ref<WorkerMemory>
  readonly lanes: FiberMap.FiberMap<string, void>
}

export const tellFailure = Effect.fnUntraced(function*({ state }: Worker, volume: DesiredVolume, message: string) {
  const events = yield* EventRecorder
  if (state.pod === undefined) return
  yield* events.recordPod(state.pod, {
    type: "Warning",
    reason: "FailedMount",
    message: `MountVolume.SetUp failed for volume "${volume.specName}" : ${message}`
  })
})

const setUpOne = Effect.fnUntraced(function*(worker: Worker, action: VolumeAction & { _tag: "SetUp" }) {
  const { pod } = worker.state
  if (pod === undefined) return
  const path = yield* setUp({ pod, volume: action.volume, payload: action.payload })
  yield* Ref.update(worker.memory, (now) => ({
    ...now,
    paths: new Map([...now.paths, [action.volume.specName, path]])
  }))
})

/** Claims that cannot be used yet are no error of the reading, but they are read again like one. */
const readAll = Effect.fnUntraced(function*(worker: Worker, action: VolumeAction & { _tag: "ReadClaims" }) {
  const { pod } = worker.state
  if (pod === undefined) return undefined
  const read = yield* readClaims(pod, action.claims)
  yield* Ref.update(worker.memory, (now) => ({ ...now, claims: new Map([...now.claims, ...read]) }))
  return read.map(([, state]) => state).find((state) => state._tag === "Unusable")?.message
})

/** Answers why it has to be done again, if it has to. */
const perform = (
  worker: Worker,
  action: Exclude<VolumeAction, { _tag: "Cancel" }>
): Effect.Effect<
  string | undefined,
  VolumeError,
  CsiVolumes | HostFiles | KubeApi | Mounts | Processes | VolumeHost
> => {
  const { uid } = worker.state
  const done = Effect.as<string | undefined>(undefined)
  switch (action._tag) {
    case "ReadClaims":
      return readAll(worker, action)
    case "SetUp":
      return done(setUpOne(worker, action))
    case "TearDown":
      return done(tearDown(uid, action))
    case "TearDownSubPaths":
      return done(tearDownSubPaths(uid, action))
    case "RemoveFolders":
      return done(removeFolders(uid))
  }
}

const failureText = (cause: Cause.Cause<VolumeError>): string => {
  const error = Cause.squash(cause)
  return error instanceof Error ? error.message : String(error)
}

const finish = Effect.fnUntraced(function*(
  worker: Worker,
  action: VolumeAction,
  exit: Exit.Exit<string | undefined, VolumeError>
) {
  const nowMs = yield* Clock.currentTimeMillis
  const failure = Exit.isSuccess(exit) ? exit.value : failureText(exit.cause)
  yield* Ref.update(worker.memory, (now) => ({
    ...now,
    epoch: now.epoch + 1,
    volumes: settle(now.volumes, action, failure === undefined ? { nowMs } : { nowMs, failure })
  }))
  if (Exit.isSuccess(exit)) return
  yield* Effect.logWarning(`volume of pod ${worker.state.uid}, ${laneOf(action)}`, exit.cause)
  if (action._tag === "SetUp") yield* tellFailure(worker, action.volume, failureText(exit.cause))
})

/** Gives up what runs in the lane. Its own end is not waited for to be told: an effect that never began tells nothing. */
const cancel = Effect.fnUntraced(function*(worker: Worker, lane: string) {
  yield* FiberMap.remove(worker.lanes, lane)
  yield* Ref.update(worker.memory, (now) => ({ ...now, epoch: now.epoch + 1, volumes: abandon(now.volumes, lane) }))
  yield* Queue.offer(worker.state.wake, undefined)
})

/** Starts the action in its lane and returns; the worker is woken when it ends. */
export const startAction = Effect.fnUntraced(function*(worker: Worker, action: VolumeAction) {
  if (action._tag === "Cancel") return yield* cancel(worker, action.lane)
  const whole = Effect.exit(perform(worker, action)).pipe(
    Effect.flatMap((exit) => finish(worker, action, exit)),
    Effect.andThen(Queue.offer(worker.state.wake, undefined)),
    Effect.asVoid
  )
  yield* FiberMap.run(worker.lanes, laneOf(action), whole)
})
