/** The volumes of all pods of the node: a worker for each, woken by what it waits for (see `PodVolumes`). */
import { Deferred, Effect, FiberMap, Layer } from "effect"
import type { Container } from "../../domain/k8s/container.ts"
import type { Pod } from "../../domain/k8s/pod.ts"
import type { VolumeView } from "../../domain/pod/model.ts"
import { isNews } from "../../domain/pod/podNews.ts"
import { isSafeName, subPathTarget } from "../../domain/volumes/volumePaths.ts"
import type { KubeApi } from "../../layers/api/KubeApi.ts"
import type { HostFiles } from "../../layers/host/HostFiles.ts"
import type { Mounts } from "../../layers/host/Mounts.ts"
import type { Processes } from "../../layers/host/Processes.ts"
import * as Bell from "../Bell.ts"
import type { EventRecorder } from "../events/EventRecorder.ts"
import * as KeyedMailbox from "../KeyedMailbox.ts"
import type { PodRegistry } from "../pods/PodRegistry.ts"
import { supervise, superviseToEnd } from "../supervise.ts"
import { withNeeds } from "../withNeeds.ts"
import type { CsiVolumes } from "./CsiVolumes.ts"
import { podsOnDisk } from "./findVolumes.ts"
import { ObjectCache } from "./ObjectCache.ts"
import { PodCertificates } from "./PodCertificates.ts"
import { type PodMounts, PodVolumes, SubPathError } from "./PodVolumes.ts"
import { ServiceAccountTokens } from "./ServiceAccountTokens.ts"
import { bindSubPath } from "./subPaths.ts"
import { TrustBundles } from "./TrustBundles.ts"
import { because, refuse } from "./VolumeError.ts"
import { VolumeHost } from "./VolumeHost.ts"
import type { PodVolumesState, UpVolume } from "./volumeLanes.ts"
import { volumeUsage } from "./volumeUsage.ts"
import { volumeWorker } from "./volumeWorker.ts"

interface Held extends PodVolumesState {
  readonly released: Deferred.Deferred<void>
}

const nobody: ReadonlyMap<string, UpVolume> = new Map()
const notReady = { ready: false, message: "" }

const mountsOf = (up: ReadonlyMap<string, UpVolume>): PodMounts => {
  const all = [...up]
  return {
    volumes: new Map(
      all.filter(([, { volume }]) => !volume.block).map(([name, { hostPath, volume }]) => [
        name,
        { hostPath, readOnly: volume.readOnly, selinuxRelabel: volume.source._tag !== "HostPath" }
      ])
    ),
    blockVolumes: new Map(
      all.filter(([, { volume }]) => volume.block).map(([name, { hostPath, volume }]) => [
        name,
        { devicePath: hostPath, readOnly: volume.readOnly }
      ])
    ),
    groups: [...new Set(all.flatMap(([, { volume }]) => volume.groups))]
  }
}

interface SubPathUse {
  readonly uid: string
  readonly container: Container
  readonly index: number
  readonly subPath: string
}

const place = Effect.fnUntraced(function*(use: SubPathUse, name: string, up: ReadonlyMap<string, UpVolume>) {
  const { rootDir } = yield* VolumeHost
  const { container, index, subPath, uid } = use
  const known = up.get(name)
  if (known === undefined) return yield* refuse(`volume "${name}" is not mounted`)
  if (!isSafeName(container.name)) return yield* refuse(`invalid container name "${container.name}"`)
  const target = subPathTarget(rootDir, uid, { specName: known.volume.specName, container: container.name, index })
  return yield* bindSubPath({ volumePath: known.hostPath, subPath, target })
})

const prepareSubPath = (use: SubPathUse, up: ReadonlyMap<string, UpVolume>) => {
  const name = use.container.volumeMounts?.[use.index]?.name ?? ""
  const what = `subPath for volumeMount "${name}" of container "${use.container.name}"`
  return place(use, name, up).pipe(
    Effect.map((target) => [use.index, target] as const),
    Effect.mapError((cause) => new SubPathError({ detail: `failed to prepare ${what}: ${cause.message}`, cause }))
  )
}

type Needs =
  | CsiVolumes
  | EventRecorder
  | HostFiles
  | KubeApi
  | Mounts
  | ObjectCache
  | PodCertificates
  | PodRegistry
  | Processes
  | ServiceAccountTokens
  | TrustBundles
  | VolumeHost

/** The workers by UID of their pod. A worker ends with the last of its pod's volumes. */
const makeWorkers = Effect.gen(function*() {
  const needs = yield* Effect.context<Needs>()
  const objects = yield* ObjectCache
  const tokens = yield* ServiceAccountTokens
  const bundles = yield* TrustBundles
  const certificates = yield* PodCertificates
  const mailbox = yield* KeyedMailbox.make
  const fibers = yield* FiberMap.make<string, void>()
  const pods = new Map<string, Held>()

  const wake = (uid: string) =>
    Effect.suspend(() => {
      const held = pods.get(uid)
      return held === undefined ? Effect.void : Bell.ring(held.wake)
    })

  const end = Effect.fnUntraced(function*(held: Held) {
    pods.delete(held.uid)
    yield* objects.untrack(held.uid)
    yield* tokens.drop(held.uid)
    yield* bundles.want(held.uid, false)
    yield* certificates.drop(held.uid)
    yield* Deferred.succeed(held.released, undefined)
  })

  const begin = Effect.fnUntraced(function*(uid: string, pod: Pod | undefined) {
    const held: Held = {
      uid,
      wake: yield* Bell.make,
      released: yield* Deferred.make<void>(),
      pod,
      view: notReady,
      up: nobody
    }
    const other = pods.get(uid)
    if (other !== undefined) return other
    pods.set(uid, held)
    const life = superviseToEnd("pod volumes", volumeWorker(held, mailbox.offer(uid)))
    yield* FiberMap.run(fibers, uid, Effect.andThen(life, end(held)).pipe(withNeeds(needs)))
    return held
  })

  const wakeLoop = (uids: Effect.Effect<ReadonlyArray<string>>) =>
    Effect.forever(Effect.flatMap(uids, (changed) => Effect.forEach(changed, wake, { discard: true })))
  yield* Effect.forkScoped(supervise("objects of volumes", wakeLoop(objects.changed)))
  yield* Effect.forkScoped(supervise("tokens of volumes", wakeLoop(tokens.changed)))
  yield* Effect.forkScoped(supervise("trust bundles of volumes", wakeLoop(bundles.changed)))
  yield* Effect.forkScoped(supervise("certificates of volumes", wakeLoop(certificates.changed)))

  return { pods, wake, begin, changed: mailbox.takeAll }
})

/** A manifest on disk may give its pod any UID. */
const viewOf = (uid: string, held: Held | undefined): VolumeView =>
  isSafeName(uid) ? held?.view ?? notReady : { ready: false, message: `invalid pod UID "${uid}"` }

/** Nothing is taken down when the layer's scope ends: an agent that stops leaves its pods running. */
export const layer: Layer.Layer<PodVolumes, never, Needs> = Layer.effect(
  PodVolumes,
  Effect.gen(function*() {
    const needs = yield* Effect.context<Needs>()
    const objects = yield* ObjectCache
    const { begin, changed, pods, wake } = yield* makeWorkers

    return PodVolumes.of({
      want: Effect.fn("PodVolumes.want")(function*(pod: Pod) {
        const { uid } = pod.metadata
        const held = pods.get(uid)
        if (!isSafeName(uid) || (held?.pod !== undefined && !isNews(held.pod, pod))) return
        yield* objects.track(pod)
        if (held === undefined) return yield* Effect.asVoid(begin(uid, pod))
        held.pod = pod
        yield* wake(uid)
      }),
      state: (uid) => Effect.sync(() => viewOf(uid, pods.get(uid))),
      mounts: (uid) => Effect.sync(() => mountsOf(pods.get(uid)?.up ?? nobody)),
      subPaths: Effect.fn("PodVolumes.subPaths")(
        function*(pod: Pod, container: Container, paths: ReadonlyMap<number, string>) {
          const { uid } = pod.metadata
          const up = pods.get(uid)?.up ?? nobody
          const bound = yield* Effect.forEach(
            paths,
            ([index, subPath]) => prepareSubPath({ uid, container, index, subPath }, up),
            { concurrency: 4 }
          )
          return new Map(bound)
        },
        Effect.provideContext(needs)
      ),
      release: Effect.fn("PodVolumes.release")(function*(uid: string) {
        if (!isSafeName(uid)) return
        const held = pods.get(uid) ?? (yield* begin(uid, undefined))
        held.pod = undefined
        yield* wake(uid)
        yield* Deferred.await(held.released)
      }),
      usage: (uid) =>
        Effect.suspend(() => {
          const { pod, up = nobody } = pods.get(uid) ?? {}
          return pod === undefined ? Effect.succeed([]) : Effect.provideContext(volumeUsage(up, pod), needs)
        }),
      changed,
      onDisk: podsOnDisk.pipe(Effect.mapError(because), Effect.provideContext(needs))
    })
  })
)
