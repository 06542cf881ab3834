/**
 * One pod's volumes on the node: look, plan, act, tell, sleep. A worker lives from the first wish for the pod's volumes
 * to the removal of the last of them; every wake-up decides afresh, so lost or repeated ones cannot hurt.
 */
import { Clock, Effect, FiberMap, Random, Ref } from "effect"
import type { VolumeView } from "../../domain/pod/model.ts"
import { desiredVolumes } from "../../domain/volumes/desired.ts"
import { type FoundVolumes, planVolumes, type VolumesPlan } from "../../domain/volumes/plan.ts"
import * as Bell from "../Bell.ts"
import { findVolumes } from "./findVolumes.ts"
import { certificateWishes, gatherSupplies, showsTrust, tokenWishes } from "./gatherSupplies.ts"
import { PodCertificates } from "./PodCertificates.ts"
import { ServiceAccountTokens } from "./ServiceAccountTokens.ts"
import { TrustBundles } from "./TrustBundles.ts"
import { VolumeHost } from "./VolumeHost.ts"
import {
  type PodVolumesState,
  startAction,
  tellFailure,
  type UpVolume,
  type Worker,
  type WorkerMemory
} from "./volumeLanes.ts"

const nothingFound: FoundVolumes = { volumes: [], mounts: [], leftovers: false }

/** How long to wait before looking again at a node that could not be read. */
const lookAgainMs = 1000

interface Look {
  readonly plan: VolumesPlan
  readonly up: ReadonlyMap<string, UpVolume>
}

/** What is wanted, and what that needs. */
const wanted = Effect.fnUntraced(function*({ state }: Worker, { claims }: WorkerMemory) {
  const { pod } = state
  if (pod === undefined) return undefined
  const tokens = yield* ServiceAccountTokens
  const desired = desiredVolumes(pod, claims)
  yield* tokens.want(pod, tokenWishes(desired.volumes))
  yield* (yield* PodCertificates).want(pod, certificateWishes(desired.volumes))
  yield* (yield* TrustBundles).want(pod.metadata.uid, showsTrust(desired.volumes))
  return { desired, supplies: yield* gatherSupplies(pod, desired.volumes) }
})

/** Undefined when something ended meanwhile: the look is older than that and worth nothing. */
const look = Effect.fnUntraced(function*(worker: Worker) {
  const { rootDir } = yield* VolumeHost
  const { uid } = worker.state
  const before = yield* Ref.get(worker.memory)
  const wish = yield* wanted(worker, before)
  const input = {
    rootDir,
    uid,
    desired: wish?.desired,
    supplies: wish?.supplies ?? new Map(),
    found: wish === undefined ? yield* findVolumes(uid) : nothingFound,
    claimsAgeMs: worker.claimsAgeMs,
    nowMs: yield* Clock.currentTimeMillis
  }
  // One step, so that no lane can end between the check and the plan.
  return yield* Ref.modify(worker.memory, (now): [Look | undefined, WorkerMemory] => {
    if (now.epoch !== before.epoch) return [undefined, now]
    const plan = planVolumes({ ...input, memory: now.volumes })
    const up = (wish?.desired.volumes ?? []).filter(({ name }) => plan.up.has(name)).map((volume) =>
      [volume.name, { volume, hostPath: now.paths.get(volume.specName) ?? "" }] as const
    )
    return [{ plan, up: new Map(up) }, { ...now, volumes: plan.memory }]
  })
})

const tell = Effect.fnUntraced(function*({ state }: Worker, view: VolumeView, changed: Effect.Effect<void>) {
  const { message, ready } = state.view
  state.view = view
  if (view.ready !== ready || view.message !== message) yield* changed
})

interface Next {
  readonly released: boolean
  readonly wakeAtMs: number | undefined
}

const turn = Effect.fnUntraced(
  function*(worker: Worker, changed: Effect.Effect<void>) {
    const seen = yield* look(worker)
    if (seen === undefined) return { released: false, wakeAtMs: 0 } satisfies Next
    const { plan, up } = seen
    worker.state.up = up
    yield* tell(worker, plan.view, changed)
    yield* Effect.forEach(plan.failures, (failure) => tellFailure(worker, failure.volume, failure), { discard: true })
    yield* Effect.forEach(plan.actions, (action) => startAction(worker, action), { discard: true })
    return { released: plan.released, wakeAtMs: plan.wakeAtMs } satisfies Next
  },
  Effect.catch((error) =>
    Effect.logWarning("cannot look at the pod's volumes", error).pipe(
      Effect.andThen(Clock.currentTimeMillis),
      Effect.map((nowMs): Next => ({ released: false, wakeAtMs: nowMs + lookAgainMs }))
    )
  )
)

/** Runs until all volumes of the pod are gone. `changed`: the view is another one. */
export const volumeWorker = Effect.fnUntraced(function*(state: PodVolumesState, changed: Effect.Effect<void>) {
  const { syncMs } = yield* VolumeHost
  const worker: Worker = {
    state,
    // Nodes that start together do not ask together.
    claimsAgeMs: syncMs + (yield* Random.nextIntBetween(0, Math.ceil(syncMs / 2))),
    lanes: yield* FiberMap.make<string, void>(),
    memory: yield* Ref.make<WorkerMemory>({
      volumes: { lanes: {}, sinceMs: yield* Clock.currentTimeMillis },
      claims: new Map(),
      paths: new Map(),
      epoch: 0
    })
  }
  while (true) {
    const { released, wakeAtMs } = yield* turn(worker, changed)
    // A wish that came during the turn begins it all anew.
    if (released && state.pod === undefined) return
    const nowMs = yield* Clock.currentTimeMillis
    yield* Bell.heardWithin(state.wake, wakeAtMs === undefined ? undefined : Math.max(0, wakeAtMs - nowMs))
  }
}, Effect.scoped)
