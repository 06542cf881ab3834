/**
 * Carries out what a pod's volumes need, each volume by itself, and remembers how it ended. Everything about one worker
 * that outlives a turn is here.
 */
import { Cause, Clock, Effect, Exit, FiberMap, Ref } from "effect"
import type { Pod } from "../../domain/k8s/pod.ts"
import type { PersistentVolumeClaim } from "../../domain/k8s/storage.ts"
import type { VolumeView } from "../../domain/pod/model.ts"
import { ClaimState } from "../../domain/volumes/claims.ts"
import type { DesiredVolume } from "../../domain/volumes/desired.ts"
import { abandon, laneOf, settle, type VolumeAction, type VolumesMemory } from "../../domain/volumes/plan.ts"
import type { KubeApi } from "../../layers/api/KubeApi.ts"
import type { HostFiles } from "../../layers/host/HostFiles.ts"
import type { Mounts } from "../../layers/host/Mounts.ts"
import type { Processes } from "../../layers/host/Processes.ts"
import * as Bell from "../Bell.ts"
import { EventRecorder } from "../events/EventRecorder.ts"
import { PodRegistry } from "../pods/PodRegistry.ts"
import { CsiVolumes } from "./CsiVolumes.ts"
import { readClaims } from "./readClaims.ts"
import { setUp } from "./setUp.ts"
import { removeFolders, tearDown, tearDownSubPaths } from "./tearDown.ts"
import { VolumeError } from "./VolumeError.ts"
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
  readonly wake: Bell.Bell
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
  /** How old the reading of a claim may become. */
  readonly claimsAgeMs: number
  readonly lanes: FiberMap.FiberMap<string, void>
}

/** `during`: the step that failed, where it was not the last one. */
export const tellFailure = Effect.fnUntraced(function*(
  { state }: Worker,
  volume: DesiredVolume,
  { during, message }: { readonly during?: string | undefined; readonly message: string }
) {
  const events = yield* EventRecorder
  if (state.pod === undefined) return
  const usual = volume.block ? "MapVolume.SetUpDevice failed" : "MountVolume.SetUp failed"
  yield* events.recordPod(state.pod, {
    type: "Warning",
    reason: volume.block ? "FailedMapVolume" : "FailedMount",
    message: `${during ?? usual} for volume "${volume.specName}" : ${message}`
  })
})

const tellFailedExpansion = Effect.fnUntraced(function*({ state }: Worker, volume: DesiredVolume, message: string) {
  const events = yield* EventRecorder
  if (state.pod === undefined) return
  yield* events.recordPod(state.pod, {
    type: "Warning",
    reason: "VolumeResizeFailed",
    message: `NodeExpandVolume.NodeExpandVolume failed for volume "${volume.specName}" : ${message}`
  })
})

/** How an action went: `again` says why it has to be done once more. */
interface Went {
  readonly again?: string | undefined
  readonly reached?: boolean
}

const setUpOne = Effect.fn("PodVolumes.setUp")(function*(worker: Worker, action: VolumeAction & { _tag: "SetUp" }) {
  const { pod } = worker.state
  if (pod === undefined) return
  const path = yield* setUp({ pod, volume: action.volume, payload: action.payload })
  yield* Ref.update(worker.memory, (now) => ({
    ...now,
    paths: new Map([...now.paths, [action.volume.specName, path]])
  }))
})

/** Claims that cannot be used yet are no error of the reading, but they are read again like one. */
const readAll = Effect.fn("PodVolumes.readClaims")(
  function*(worker: Worker, action: VolumeAction & { _tag: "ReadClaims" }) {
    const { pod } = worker.state
    if (pod === undefined) return undefined
    const before = (yield* Ref.get(worker.memory)).claims
    // A volume that is in use stays what it is, whatever becomes of its claim.
    const read = (yield* readClaims(pod, action.claims)).filter(([name, state]) =>
      state._tag === "Usable" || before.get(name)?._tag !== "Usable"
    )
    yield* Ref.update(worker.memory, (now) => ({ ...now, claims: new Map([...now.claims, ...read]) }))
    return read.map(([, state]) => state).find((state) => state._tag === "Unusable")?.message
  }
)

const withClaim = (
  claims: ReadonlyMap<string, ClaimState>,
  name: string,
  claim: PersistentVolumeClaim
): ReadonlyMap<string, ClaimState> => {
  const state = claims.get(name)
  if (state?._tag !== "Usable" || state.volume.growth === undefined) return claims
  const growth = { ...state.volume.growth, claim }
  return new Map([...claims, [name, ClaimState.Usable({ volume: { ...state.volume, growth } })]])
}

const expandOne = Effect.fnUntraced(function*(worker: Worker, { reached, volume }: VolumeAction & { _tag: "Expand" }) {
  const drivers = yield* CsiVolumes
  const { pod, up } = worker.state
  const hostPath = up.get(volume.name)?.hostPath
  if (pod === undefined || hostPath === undefined) return false
  const expanded = yield* drivers.expand({ pod, volume, hostPath, reached })
  if (expanded === undefined) return true
  yield* Ref.update(worker.memory, (now) => ({
    ...now,
    claims: withClaim(now.claims, volume.claimName ?? "", expanded.claim)
  }))
  return expanded.reached
})

const perform = (
  worker: Worker,
  action: Exclude<VolumeAction, { _tag: "Cancel" }>
): Effect.Effect<
  Went,
  VolumeError,
  CsiVolumes | EventRecorder | HostFiles | KubeApi | Mounts | Processes | VolumeHost
> => {
  const { uid } = worker.state
  const done = Effect.as<Went>({})
  switch (action._tag) {
    case "ReadClaims":
      return Effect.map(readAll(worker, action), (again) => ({ again }))
    case "Expand":
      return Effect.map(expandOne(worker, action), (reached) => ({ reached }))
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

const failureOf = (cause: Cause.Cause<VolumeError>): { readonly during?: string; readonly message: string } => {
  const error = Cause.squash(cause)
  if (!(error instanceof VolumeError)) return { message: error instanceof Error ? error.message : String(error) }
  const { detail, during } = error
  return during === undefined ? { message: detail } : { message: detail, during }
}

/** A volume that this node will never have: the pod is refused as if it had not been admitted. */
const endPod = Effect.fnUntraced(function*({ state }: Worker, cause: Cause.Cause<VolumeError>) {
  const error = Cause.squash(cause)
  if (!(error instanceof VolumeError) || error.ends === undefined || state.pod === undefined) return
  const { message, reason } = error.ends
  const events = yield* EventRecorder
  const registry = yield* PodRegistry
  yield* events.recordPod(state.pod, { type: "Warning", reason, message })
  yield* registry.end(state.uid, {
    why: "Evicted",
    status: { phase: "Failed", reason, message: `Pod was rejected: ${message}` }
  })
})

const finish = Effect.fnUntraced(function*(
  worker: Worker,
  action: VolumeAction,
  exit: Exit.Exit<Went, VolumeError>
) {
  const nowMs = yield* Clock.currentTimeMillis
  const failure = Exit.isSuccess(exit) ? exit.value.again : failureOf(exit.cause).message
  const reached = Exit.isSuccess(exit) && exit.value.reached === true
  yield* Ref.update(worker.memory, (now) => ({
    ...now,
    epoch: now.epoch + 1,
    volumes: settle(now.volumes, action, { nowMs, reached, ...(failure === undefined ? {} : { failure }) })
  }))
  if (Exit.isSuccess(exit)) return
  yield* Effect.logWarning(`volume of pod ${worker.state.uid}, ${laneOf(action)}`, exit.cause)
  if (action._tag === "SetUp") {
    yield* tellFailure(worker, action.volume, failureOf(exit.cause))
    yield* endPod(worker, exit.cause)
  }
  if (action._tag === "Expand") yield* tellFailedExpansion(worker, action.volume, failureOf(exit.cause).message)
})

/** Gives up what runs in the lane. Its own end is not waited for to be told: an effect that never began tells nothing. */
const cancel = Effect.fnUntraced(function*(worker: Worker, lane: string) {
  yield* FiberMap.remove(worker.lanes, lane)
  yield* Ref.update(worker.memory, (now) => ({ ...now, epoch: now.epoch + 1, volumes: abandon(now.volumes, lane) }))
  yield* Bell.ring(worker.state.wake)
})

/** Starts the action in its lane and returns; the worker is woken when it ends. */
export const startAction = Effect.fnUntraced(function*(worker: Worker, action: VolumeAction) {
  if (action._tag === "Cancel") return yield* cancel(worker, action.lane)
  const whole = Effect.exit(perform(worker, action)).pipe(
    Effect.flatMap((exit) => finish(worker, action, exit)),
    Effect.andThen(Bell.ring(worker.state.wake)),
    Effect.asVoid
  )
  yield* FiberMap.run(worker.lanes, laneOf(action), whole)
})
