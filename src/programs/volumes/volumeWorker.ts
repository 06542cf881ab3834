/**
 * One pod's volumes on the node: look, plan, act, tell, sleep. It lives from the first wish for the pod's volumes to the
 * removal of the last of them; every wake-up decides afresh, so lost or repeated ones cannot hurt.
 */
import { Clock, Deferred, Effect, FiberMap, Queue, Ref } from "effect"
import type { Pod } from "../../domain/k8s/pod.ts"
import type { VolumeView } from "../../domain/pod/model.ts"
import type { ClaimState } from "../../domain/volumes/claims.ts"
import { type DesiredVolume, desiredVolumes } from "../../domain/volumes/desired.ts"
import { type ContentInputs, type Supply, supplyOf, type TokenWish } from "../../domain/volumes/payload.ts"
import {
  abandon,
  type FoundVolumes,
  laneOf,
  planVolumes,
  settle,
  VolumeAction,
  type VolumesMemory,
  type VolumesPlan
} from "../../domain/volumes/plan.ts"
import { EventRecorder } from "../events/EventRecorder.ts"
import { findVolumes } from "./findVolumes.ts"
import { ObjectCache } from "./ObjectCache.ts"
import { readClaims } from "./readClaims.ts"
import { ServiceAccountTokens } from "./ServiceAccountTokens.ts"
import { setUp } from "./setUp.ts"
import { removeFolders, tearDown, tearDownSubPaths } from "./tearDown.ts"
import type { VolumeError } from "./VolumeError.ts"
import { VolumeHost } from "./VolumeHost.ts"

/** A volume that is up. */
export interface UpVolume {
  readonly volume: DesiredVolume
  /** Empty for what the runtime mounts itself. */
  readonly hostPath: string
}

/** What others may see of the worker, and how they talk to it. */
export interface PodVolumesState {
  readonly uid: string
  readonly wake: Queue.Queue<void>
  /** Undefined: all is to go. */
  pod: Pod | undefined
  view: VolumeView
  /** By volume name. */
  up: ReadonlyMap<string, UpVolume>
  readonly released: Deferred.Deferred<void>
}

const nothingFound: FoundVolumes = { volumes: [], mounts: [], leftovers: false }

/** How long to wait before looking again at a node that could not be read. */
const lookAgainMs = 1000

const eventText = ({ specName }: DesiredVolume, message: string): string =>
  `MountVolume.SetUp failed for volume "${specName}" : ${message}`

const tokensOf = (volumes: ReadonlyArray<DesiredVolume>): ReadonlyArray<TokenWish> =>
  volumes.flatMap(({ source }) =>
    source._tag === "Content" ? source.sources.filter((part) => part._tag === "Token") : []
  )

interface Memory {
  readonly volumes: VolumesMemory
  readonly claims: ReadonlyMap<string, ClaimState>
  readonly paths: ReadonlyMap<string, string>
  /** Grows with each action that ends, so that a turn notices that its look at the node is older than that. */
  readonly epoch: number
}

/** What the content volumes are made of, asked of the caches: nothing here waits. */
const gatherSupplies = Effect.fnUntraced(function*(pod: Pod, volumes: ReadonlyArray<DesiredVolume>) {
  const objects = yield* ObjectCache
  const tokens = yield* ServiceAccountTokens
  const host = yield* VolumeHost
  const { namespace, uid } = pod.metadata
  const supplies = new Map<string, Supply>()
  const allocatable = yield* host.allocatable
  for (const { name, source } of volumes) {
    if (source._tag !== "Content") continue
    const secrets = new Map<string, ReturnType<ContentInputs["secret"]>>()
    const configMaps = new Map<string, ReturnType<ContentInputs["configMap"]>>()
    const held = new Map<TokenWish, ReturnType<ContentInputs["token"]>>()
    for (const part of source.sources) {
      if (part._tag === "Secret") secrets.set(part.name, yield* objects.secret(namespace, part.name))
      if (part._tag === "ConfigMap") configMaps.set(part.name, yield* objects.configMap(namespace, part.name))
      if (part._tag === "Token") held.set(part, yield* tokens.held(uid, part))
    }
    const inputs: ContentInputs = {
      pod,
      allocatable,
      secret: (key) => secrets.get(key),
      configMap: (key) => configMaps.get(key),
      token: (wish) => held.get(wish)
    }
    supplies.set(name, supplyOf(source, inputs))
  }
  return supplies
})

/** Runs until all volumes of the pod are gone. */
export const volumeWorker = Effect.fnUntraced(
  function*(state: PodVolumesState, changed: Effect.Effect<void>) {
    const { uid } = state
    const { rootDir } = yield* VolumeHost
    const events = yield* EventRecorder
    const tokens = yield* ServiceAccountTokens
    const lanes = yield* FiberMap.make<string, void>()
    const memory = yield* Ref.make<Memory>({
      volumes: { lanes: {}, sinceMs: yield* Clock.currentTimeMillis },
      claims: new Map(),
      paths: new Map(),
      epoch: 0
    })

    const tellFailure = (volume: DesiredVolume, message: string) =>
      state.pod === undefined ? Effect.void : events.recordPod(state.pod, {
        type: "Warning",
        reason: "FailedMount",
        message: eventText(volume, message)
      })

    /** Carries one action out; answers what has to be remembered. */
    const perform = (pod: Pod | undefined, action: VolumeAction) =>
      VolumeAction.$match(action, {
        ReadClaims: ({ claims }) =>
          pod === undefined ?
            Effect.void :
            Effect.flatMap(
              readClaims(pod, claims),
              (read) => Ref.update(memory, (now) => ({ ...now, claims: new Map([...now.claims, ...read]) }))
            ),
        SetUp: ({ payload, volume }) =>
          pod === undefined ?
            Effect.void :
            Effect.flatMap(
              setUp({ pod, volume, payload }),
              (path) =>
                Ref.update(memory, (now) => ({ ...now, paths: new Map([...now.paths, [volume.specName, path]]) }))
            ),
        TearDown: (one) => tearDown(uid, one),
        TearDownSubPaths: (one) => tearDownSubPaths(uid, one),
        RemoveFolders: () => removeFolders(uid),
        Cancel: () => Effect.void
      })

    const claimFailure = (action: VolumeAction, claims: Memory["claims"]): string | undefined => {
      if (action._tag !== "ReadClaims") return undefined
      const states = action.claims.map(({ claimName }) => claims.get(claimName))
      return states.find((claim) => claim?._tag === "Unusable")?.message
    }

    const finish = Effect.fnUntraced(function*(action: VolumeAction, error: VolumeError | undefined) {
      const nowMs = yield* Clock.currentTimeMillis
      yield* Ref.update(memory, (now) => {
        const failure = error?.message ?? claimFailure(action, now.claims)
        return {
          ...now,
          epoch: now.epoch + 1,
          volumes: settle(now.volumes, action, failure === undefined ? { nowMs } : { nowMs, failure })
        }
      })
      if (error === undefined) return
      yield* Effect.logWarning(`${laneOf(action)}: ${error.message}`)
      if (action._tag === "SetUp") yield* tellFailure(action.volume, error.message)
    })

    const giveUp = (action: VolumeAction) =>
      Ref.update(memory, (now) => ({ ...now, epoch: now.epoch + 1, volumes: abandon(now.volumes, action) }))

    const start = (action: VolumeAction) => {
      if (action._tag === "Cancel") return FiberMap.remove(lanes, action.lane)
      const whole = perform(state.pod, action).pipe(
        Effect.matchEffect({
          onFailure: (error) => finish(action, error),
          onSuccess: () => finish(action, undefined)
        }),
        Effect.onInterrupt(() => giveUp(action)),
        Effect.ensuring(Queue.offer(state.wake, undefined))
      )
      return FiberMap.run(lanes, laneOf(action), whole)
    }

    const look = Effect.fnUntraced(function*() {
      const { pod } = state
      const before = yield* Ref.get(memory)
      const desired = pod === undefined ? undefined : desiredVolumes(pod, before.claims)
      if (pod !== undefined && desired !== undefined) yield* tokens.want(pod, tokensOf(desired.volumes))
      const supplies = pod === undefined || desired === undefined
        ? new Map<string, Supply>()
        : yield* gatherSupplies(pod, desired.volumes)
      const found = pod === undefined ? yield* findVolumes(uid) : nothingFound
      const nowMs = yield* Clock.currentTimeMillis
      const next = yield* Ref.modify(memory, (now): [VolumesPlan | undefined, Memory] => {
        if (now.epoch !== before.epoch) return [undefined, now]
        const plan = planVolumes({ rootDir, uid, desired, supplies, found, memory: now.volumes, nowMs })
        return [plan, { ...now, volumes: plan.memory }]
      })
      if (next === undefined) return undefined
      const { paths } = yield* Ref.get(memory)
      const up = (desired?.volumes ?? []).filter(({ name }) => next.up.has(name)).map((volume) =>
        [volume.name, { volume, hostPath: paths.get(volume.specName) ?? "" }] as const
      )
      return { next, up: new Map(up) }
    })

    const tell = Effect.fnUntraced(function*(view: VolumeView) {
      const { message, ready } = state.view
      state.view = view
      if (view.ready !== ready || view.message !== message) yield* changed
    })

    const turn = Effect.gen(function*() {
      const seen = yield* look()
      if (seen === undefined) return { released: false, wakeAtMs: 0 }
      state.up = seen.up
      yield* tell(seen.next.view)
      yield* Effect.forEach(seen.next.failures, ({ message, volume }) => tellFailure(volume, message), {
        discard: true
      })
      yield* Effect.forEach(seen.next.actions, start, { discard: true })
      return seen.next
    }).pipe(
      Effect.catch((error) =>
        Effect.logWarning("cannot look at the pod's volumes", error).pipe(
          Effect.andThen(Clock.currentTimeMillis),
          Effect.map((nowMs) => ({ released: false, wakeAtMs: nowMs + lookAgainMs }))
        )
      )
    )

    while (true) {
      const { released, wakeAtMs } = yield* turn
      if (released && state.pod === undefined) break
      const pauseMs = wakeAtMs === undefined
        ? undefined
        : Math.max(0, wakeAtMs - (yield* Clock.currentTimeMillis))
      if (pauseMs === 0) continue
      yield* pauseMs === undefined
        ? Queue.take(state.wake)
        : Effect.raceFirst(Queue.take(state.wake), Effect.sleep(pauseMs))
    }
    yield* Deferred.succeed(state.released, undefined)
  },
  Effect.scoped
)
