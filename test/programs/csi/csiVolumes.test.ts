/** CSI volumes in memory: an agent that dies between any two calls to host and driver, and what the next one makes of it. */
import { assert, describe, it } from "@effect/vitest"
import { Effect, Exit, Layer, Scope } from "effect"
import { sha256Hex } from "../../../src/domain/csi/sha256.ts"
import { csiDrivers } from "../../../src/domain/k8s/resources.ts"
import { type DesiredVolume, VolumeSource } from "../../../src/domain/volumes/desired.ts"
import { KubeApi } from "../../../src/layers/api/KubeApi.ts"
import * as KubeApiMemory from "../../../src/layers/api/KubeApiMemory.ts"
import * as MemoryApi from "../../../src/layers/api/memory/MemoryApi.ts"
import * as CsiSim from "../../../src/layers/csi/CsiSim.ts"
import { HostFiles } from "../../../src/layers/host/HostFiles.ts"
import * as HostFilesMemory from "../../../src/layers/host/HostFilesMemory.ts"
import { Mounts } from "../../../src/layers/host/Mounts.ts"
import * as MountsMemory from "../../../src/layers/host/MountsMemory.ts"
import * as ProcessesMemory from "../../../src/layers/host/ProcessesMemory.ts"
import { AgentConfig } from "../../../src/programs/AgentConfig.ts"
import { CsiDrivers } from "../../../src/programs/csi/CsiDrivers.ts"
import * as CsiDriversLayer from "../../../src/programs/csi/CsiDrivers.ts"
import * as CsiLocks from "../../../src/programs/csi/CsiLocks.ts"
import * as CsiNode from "../../../src/programs/csi/CsiNode.ts"
import * as csiVolumes from "../../../src/programs/csi/csiVolumes.ts"
import { sweepStages } from "../../../src/programs/csi/sweepStages.ts"
import * as VolumesInUse from "../../../src/programs/csi/VolumesInUse.ts"
import { EventRecorder } from "../../../src/programs/events/EventRecorder.ts"
import { NodeState } from "../../../src/programs/node/NodeState.ts"
import { CsiVolumes } from "../../../src/programs/volumes/CsiVolumes.ts"
import { VolumeHost } from "../../../src/programs/volumes/VolumeHost.ts"
import { podWith } from "../../domain/volumes/pods.ts"
import { agentSettings } from "../../fixture/agentSettings.ts"
import { eventually, type Fuse, guarded, listing } from "../volumes/world.ts"

const root = "/var/lib/kubelet"
const driverName = "folders.example.com"
const endpoint = `${root}/plugins/folders/csi.sock`

const volume: DesiredVolume = {
  name: "v",
  specName: "pv1",
  plugin: "kubernetes.io/csi",
  source: VolumeSource.Csi({
    source: { driver: driverName, volumeHandle: "h1", fsType: "ext4" },
    volumeName: "pv1",
    accessModes: ["ReadWriteOnce"],
    mountOptions: []
  }),
  readOnly: false,
  block: false,
  groups: []
}

const place = (uid: string) => `${root}/pods/${uid}/volumes/kubernetes.io~csi/pv1`
const setUpRequest = (uid: string) => ({ pod: podWith([], {}, { uid }), volume, path: place(uid) })
const tearDownRequest = (uid: string) => ({ uid, specName: "pv1", path: place(uid), block: false })

const makeWorld = Effect.gen(function*() {
  const host = new HostFilesMemory.MemoryHost()
  for (const folder of [`${root}/pods`, `${root}/plugins`, "/backing"]) host.makeDirectories(folder)
  const hostLayer = Layer.merge(HostFilesMemory.layer(host), MountsMemory.layer(host))
  const driver = CsiSim.makeDriver({
    name: driverName,
    nodeId: "n",
    maxVolumes: 0,
    topology: {},
    abilities: ["STAGE_UNSTAGE_VOLUME"],
    backing: "/backing"
  })
  const apiLayer = KubeApiMemory.layer(yield* MemoryApi.make({ binder: false }))
  const api = yield* Effect.provide(KubeApi, apiLayer)
  yield* api.create(csiDrivers, { metadata: { name: driverName }, spec: { attachRequired: false } })

  /** The driver is another process: the agent's death is not its own. */
  const csi = CsiSim.layer(new Map([[endpoint, driver]])).pipe(Layer.provide(hostLayer))
  const agent = (fuse: Fuse) =>
    csiVolumes.layer.pipe(
      Layer.provideMerge(Layer.mergeAll(CsiDriversLayer.layer, CsiLocks.layer, VolumesInUse.layer)),
      Layer.provideMerge(CsiNode.layer),
      Layer.provideMerge(
        Layer.mergeAll(
          Layer.effect(HostFiles, Effect.map(HostFiles, (files) => HostFiles.of(guarded(files, fuse)))),
          Layer.effect(Mounts, Effect.map(Mounts, (mounts) => Mounts.of(guarded(mounts, fuse))))
        ).pipe(Layer.provide(hostLayer))
      ),
      Layer.provideMerge(Layer.mergeAll(
        apiLayer,
        csi,
        Layer.mock(NodeState)({}),
        Layer.succeed(AgentConfig, { ...agentSettings, rootDir: root, standalone: true }),
        Layer.mock(VolumeHost)({ rootDir: root, syncMs: 60_000 }),
        Layer.mock(EventRecorder)({}),
        ProcessesMemory.layer()
      ))
    )
  const start = Effect.fnUntraced(function*(fuse: Fuse) {
    const scope = yield* Scope.make()
    const context = yield* Layer.buildWithScope(Layer.fresh(agent(fuse)), scope)
    const drivers = yield* Effect.provide(CsiDrivers, context)
    yield* drivers.register(driverName, endpoint)
    return { context, volumes: yield* Effect.provide(CsiVolumes, context), stop: Scope.close(scope, Exit.void) }
  })
  const whole: Fuse = { callsLeft: Number.POSITIVE_INFINITY }
  const left = () => [...listing(host, `${root}/pods`), ...listing(host, `${root}/plugins/kubernetes.io/csi`)]
  return { host, driver, start: start(whole), startUntil: start, left }
})

const methods = (calls: ReadonlyArray<{ readonly method: string }>) =>
  calls.map(({ method }) => method).filter((name) => name.endsWith("Volume"))

const untouched = [`d 755 ${root}/pods`]
/** Places of pods that the pods' own workers remove. */
const places = (lines: ReadonlyArray<string>) => lines.filter((line) => /pv1|globalmount|vol_data/.test(line))

describe("CSI volumes", () => {
  it.effect("J7: two pods share one stage, which goes with the last of them", () =>
    Effect.gen(function*() {
      const world = yield* makeWorld
      const { stop, volumes } = yield* world.start
      assert.deepEqual(yield* volumes.setUp(setUpRequest("a")), { hostPath: `${place("a")}/mount` })
      yield* volumes.setUp(setUpRequest("b"))
      yield* volumes.tearDown(tearDownRequest("a"))
      yield* volumes.tearDown(tearDownRequest("b"))
      assert.deepEqual(methods(world.driver.calls), [
        "NodeStageVolume",
        "NodePublishVolume",
        "NodePublishVolume",
        "NodeUnpublishVolume",
        "NodeUnpublishVolume",
        "NodeUnstageVolume"
      ])
      assert.isEmpty(places(world.left()))
      assert.include(world.left().join(), untouched.join())
      yield* stop
    }))

  it.effect("J4: after a final failure of the stage nothing is left; after another the place stays until taken down", () =>
    Effect.gen(function*() {
      const world = yield* makeWorld
      const { stop, volumes } = yield* world.start
      world.driver.faults.set("NodeStageVolume", { kind: "fail", code: 3 })
      const refused = yield* Effect.flip(volumes.setUp(setUpRequest("a")))
      assert.include(refused.message, "told to fail")
      assert.isEmpty(places(world.left()))
      world.driver.faults.set("NodeStageVolume", { kind: "lie", code: 10 })
      yield* Effect.flip(volumes.setUp(setUpRequest("a")))
      assert.isNotEmpty(places(world.left()))
      world.driver.faults.clear()
      yield* volumes.tearDown(tearDownRequest("a"))
      assert.isEmpty(places(world.left()))
      yield* stop
    }))

  it.effect("a driver that says it unmounted and did not is not believed", () =>
    Effect.gen(function*() {
      const world = yield* makeWorld
      const { stop, volumes } = yield* world.start
      yield* volumes.setUp(setUpRequest("a"))
      world.driver.faults.set("NodeUnpublishVolume", { kind: "pretend", code: 0 })
      const error = yield* Effect.flip(volumes.tearDown(tearDownRequest("a")))
      assert.strictEqual(error.message, `${place("a")}/mount is still mounted`)
      assert.isNotEmpty(places(world.left()))
      world.driver.faults.clear()
      yield* volumes.tearDown(tearDownRequest("a"))
      assert.isEmpty(places(world.left()))
      yield* stop
    }))

  it.effect("crash-only: what an agent left that was killed while it wrote a volume's data goes with the volume", () =>
    Effect.gen(function*() {
      const world = yield* makeWorld
      const { stop, volumes } = yield* world.start
      yield* volumes.setUp(setUpRequest("a"))
      const unfinished = ".vol_data.json.123.new"
      world.host.write(`${place("a")}/${unfinished}`, "{")
      const stage = `${root}/plugins/kubernetes.io/csi/${driverName}/${sha256Hex("h1")}`
      world.host.write(`${stage}/${unfinished}`, "{")
      yield* volumes.tearDown(tearDownRequest("a"))
      assert.isEmpty(places(world.left()))
      yield* stop
    }))

  it.effect(
    "crash-only: killed at any call of set-up and of tear-down, the next agent leaves nothing",
    () =>
      Effect.forEach(Array.from({ length: 24 }, (_, index) => index), (calls) =>
        Effect.gen(function*() {
          const world = yield* makeWorld
          const fuse: Fuse = { callsLeft: Number.POSITIVE_INFINITY }
          const first = yield* world.startUntil(fuse)
          fuse.callsLeft = calls
          yield* Effect.forkDetach(first.volumes.setUp(setUpRequest("a")), { startImmediately: true })
          yield* Effect.repeat(Effect.yieldNow, { times: 200 })
          yield* first.stop
          const second = yield* world.startUntil({ callsLeft: Number.POSITIVE_INFINITY })
          yield* second.volumes.setUp(setUpRequest("a"))
          yield* second.stop
          const thirdFuse: Fuse = { callsLeft: Number.POSITIVE_INFINITY }
          const third = yield* world.startUntil(thirdFuse)
          thirdFuse.callsLeft = calls
          yield* Effect.forkDetach(third.volumes.tearDown(tearDownRequest("a")), { startImmediately: true })
          yield* Effect.repeat(Effect.yieldNow, { times: 200 })
          yield* third.stop
          const fourth = yield* world.start
          if (world.left().some((line) => line.includes(place("a")))) {
            yield* fourth.volumes.tearDown(tearDownRequest("a"))
          }
          yield* Effect.forkScoped(Effect.provide(sweepStages, fourth.context))
          yield* eventually(() => places(world.left()).length === 0, `killed after ${calls} calls: something is left`)
          yield* fourth.stop
        }).pipe(Effect.scoped), { discard: true }),
    30_000
  )
})
