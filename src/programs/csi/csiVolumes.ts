/** The volumes of CSI drivers (see `CsiVolumes`): attached, staged and published, and all that back again. */
import { Effect, Exit, FiberMap, Layer, Random } from "effect"
import {
  attachmentName,
  blockPaths,
  type CsiIdentity,
  globalDir,
  publishPathIn,
  stagingPathIn,
  uniqueName
} from "../../domain/csi/csiPaths.ts"
import { lifecycleProblem, ownsByGroup } from "../../domain/csi/driverRules.ts"
import { claimSize } from "../../domain/csi/expansion.ts"
import { publishRequest } from "../../domain/csi/requests.ts"
import type { VolumeData } from "../../domain/csi/volumeData.ts"
import type { DesiredVolume } from "../../domain/volumes/desired.ts"
import { VolumeUsage_Unit } from "../../gen/csi/csi_pb.ts"
import type { KubeApi } from "../../layers/api/KubeApi.ts"
import type { CsiError } from "../../layers/csi/Csi.ts"
import { GrpcCode } from "../../layers/grpc/Grpc.ts"
import { HostFiles } from "../../layers/host/HostFiles.ts"
import type { Mounts } from "../../layers/host/Mounts.ts"
import type { Processes } from "../../layers/host/Processes.ts"
import { AgentConfig } from "../AgentConfig.ts"
import type { EventRecorder } from "../events/EventRecorder.ts"
import type { NodeState } from "../node/NodeState.ts"
import { type CsiExpansion, type CsiSetUp, type CsiTearDown, CsiVolumes } from "../volumes/CsiVolumes.ts"
import { lockDevice } from "../volumes/deviceLock.ts"
import { applyOwnership } from "../volumes/groupOwnership.ts"
import { refuse } from "../volumes/VolumeError.ts"
import { VolumeHost } from "../volumes/VolumeHost.ts"
import { untilAttached } from "./attach.ts"
import { CsiDrivers, type RegisteredDriver } from "./CsiDrivers.ts"
import { asVolumeError, during } from "./csiFailure.ts"
import { readPodInputs, readRules, readSecret } from "./csiInputs.ts"
import { CsiLocks } from "./CsiLocks.ts"
import { expand } from "./expand.ts"
import { dropStage, stage, stageBlock } from "./stages.ts"
import { unmap, unmount } from "./takeDown.ts"
import { fsGroupOf, identityOf, toldOf } from "./told.ts"
import { folderMode, removeMountPlace, saveData } from "./volumeFiles.ts"
import { VolumesInUse } from "./VolumesInUse.ts"

/** What the steps are called in messages. */
const stepsOf = ({ volume }: Pick<CsiSetUp, "volume">) =>
  volume.block
    ? {
      map: "MapVolume",
      stage: "MapVolume.SetUpDevice failed",
      publish: "MapVolume.MapPodDevice failed",
      client: "kubernetes.io/csi: blockMapper.SetUpDevice failed to get CSI client"
    }
    : {
      map: "MountVolume",
      stage: "MountVolume.MountDevice failed",
      publish: "MountVolume.SetUp failed",
      client: volume.source._tag === "CsiInline"
        ? "kubernetes.io/csi: mounter.SetUpAt failed to get CSI client"
        : "kubernetes.io/csi: attacher.MountDevice failed to create newCsiDriverClient"
    }

/** All that is asked of others before the driver is. */
const gather = Effect.fnUntraced(function*(request: CsiSetUp) {
  const told = toldOf(request)
  const drivers = yield* CsiDrivers
  const rules = yield* readRules(told.driver)
  const problem = lifecycleProblem(rules, told.mode, told.driver)
  if (problem !== undefined) return yield* refuse(problem)
  const driver = yield* drivers.get(told.driver).pipe(
    Effect.mapError(({ detail }) => refuse(`${stepsOf(request).client}: ${detail}`)),
    during(told.mode === "Ephemeral" ? stepsOf(request).publish : stepsOf(request).stage)
  )
  const identity = identityOf(told)
  const publishContext = told.mode === "Persistent" && rules.attachRequired
    ? yield* untilAttached(identity).pipe(during(`${stepsOf(request).map}.WaitForAttach failed`))
    : {}
  return { told, rules, driver, identity, publishContext, stageSecrets: yield* readSecret(told.stageSecret) }
})
type Gathered = Effect.Success<ReturnType<typeof gather>>

const publish = Effect.fnUntraced(function*(
  request: CsiSetUp,
  gathered: Gathered,
  places: { readonly stagingPath: string; readonly targetPath: string }
) {
  const { driver, identity, publishContext, rules, told } = gathered
  const locks = yield* CsiLocks
  const inputs = yield* readPodInputs(rules, request.pod, told.mode)
  yield* driver.calls.nodePublishVolume(publishRequest({
    facts: told.facts,
    abilities: driver.abilities,
    fsGroup: fsGroupOf(request),
    publishContext,
    secrets: { ...(yield* readSecret(told.publishSecret)), ...inputs.secrets },
    podAttributes: inputs.attributes,
    ...places
  })).pipe(
    // The driver lost what it had staged, by a restart perhaps: it is asked to stage again.
    Effect.tapError(({ code }) =>
      Effect.sync(() => code === GrpcCode.FailedPrecondition && locks.staged.delete(uniqueName(identity)))
    )
  )
})

const stageInputs = ({ driver, publishContext, stageSecrets, told }: Gathered, request: CsiSetUp) => ({
  facts: told.facts,
  abilities: driver.abilities,
  fsGroup: fsGroupOf(request),
  publishContext,
  secrets: stageSecrets
})

const dataOf = ({ identity, told }: Gathered, { volume }: CsiSetUp, nodeName: string): VolumeData => ({
  specVolID: volume.specName,
  volumeHandle: identity.handle,
  driverName: identity.driver,
  nodeName,
  attachmentID: attachmentName(identity, nodeName),
  ...(volume.block ? {} : { volumeLifecycleMode: told.mode })
})

/** After a final answer there is nothing to undo, and the pod has no such volume. What could not be removed tells later. */
const afterFailedStage = Effect.fnUntraced(function*({ path }: CsiSetUp, identity: CsiIdentity, { final }: CsiError) {
  if (!final) return
  yield* removeMountPlace(path, publishPathIn(path)).pipe(
    Effect.andThen(dropStage(identity)),
    Effect.catch((error) => Effect.logWarning(`the place of volume ${identity.handle} cannot be removed`, error))
  )
})

/** A volume that grew while nobody used it is made larger before its pod starts. */
const growOnMount = Effect.fnUntraced(function*(
  request: CsiSetUp,
  driver: RegisteredDriver,
  places: { readonly stagingPath: string; readonly volumePath: string }
) {
  const { growth } = request.volume
  if (growth === undefined) return
  const step = request.volume.block
    ? "MapVolume.MarkVolumeAsMounted failed while expanding volume"
    : "MountVolume.Setup failed while expanding volume"
  yield* expand({ ...request, driver, ...places, reached: claimSize(growth.claim) }).pipe(during(step))
})

const mount = Effect.fnUntraced(function*(request: CsiSetUp, gathered: Gathered) {
  const { nodeName } = yield* AgentConfig
  const { driver, identity, rules, told } = gathered
  const targetPath = publishPathIn(request.path)
  // Before anything is mounted: from now on the volume is one of this pod's, whatever happens to the agent.
  yield* saveData(request.path, dataOf(gathered, request, nodeName))
  const stagingPath = told.mode === "Ephemeral"
    ? ""
    : yield* stage(identity, driver, stageInputs(gathered, request)).pipe(
      Effect.catchTag("CsiError", (error) => Effect.andThen(afterFailedStage(request, identity, error), error)),
      during(stepsOf(request).stage)
    )
  yield* publish(request, gathered, { stagingPath, targetPath })
  const fsGroup = fsGroupOf(request)
  if (fsGroup !== undefined && !driver.abilities.mountGroup && ownsByGroup(rules, request.volume, fsGroup)) {
    const onRootMismatch = request.pod.spec.securityContext?.fsGroupChangePolicy === "OnRootMismatch"
    yield* applyOwnership(targetPath, { fsGroup, readOnly: false, onRootMismatch })
  }
  yield* growOnMount(request, driver, { stagingPath, volumePath: targetPath })
  return { hostPath: targetPath, again: publish(request, gathered, { stagingPath, targetPath }) }
})

const parentOf = (path: string): string => path.slice(0, path.lastIndexOf("/"))

const map = Effect.fnUntraced(function*(request: CsiSetUp, gathered: Gathered) {
  const files = yield* HostFiles
  const { rootDir } = yield* VolumeHost
  const { nodeName } = yield* AgentConfig
  const { specName } = request.volume
  const { data, own, publishDir } = blockPaths(rootDir, specName)
  const targetPath = `${publishDir}/${request.pod.metadata.uid}`
  yield* saveData(data, dataOf(gathered, request, nodeName))
  yield* files.makeDirectory(`${own}/dev`, { mode: folderMode, recursive: true })
  yield* files.makeDirectory(publishDir, { mode: folderMode, recursive: true })
  yield* files.makeDirectory(parentOf(request.path), { mode: folderMode, recursive: true })
  // The link says whose the device is, so it is there first; it leads nowhere until the driver has published.
  yield* files.symlink(targetPath, request.path).pipe(
    Effect.catchIf(({ code }) => code === "EEXIST", () => Effect.void)
  )
  const stagingPath = yield* stageBlock(gathered.identity, specName, gathered.driver, stageInputs(gathered, request))
    .pipe(during(stepsOf(request).stage))
  yield* publish(request, gathered, { stagingPath, targetPath }).pipe(during(stepsOf(request).publish))
  yield* lockDevice(targetPath).pipe(during(stepsOf(request).publish))
  yield* growOnMount(request, gathered.driver, { stagingPath, volumePath: targetPath })
  return { hostPath: targetPath, again: publish(request, gathered, { stagingPath, targetPath }) }
})

const place = Effect.fnUntraced(function*(request: CsiSetUp, gathered: Gathered) {
  return request.volume.block ? yield* map(request, gathered) : yield* mount(request, gathered)
})

/** What is not staged after all is not used: the cluster may take it away. */
const releaseUnstaged = Effect.fnUntraced(function*({ volume }: CsiSetUp, identity: CsiIdentity) {
  const { rootDir } = yield* VolumeHost
  const files = yield* HostFiles
  const inUse = yield* VolumesInUse
  const place = volume.block ? blockPaths(rootDir, volume.specName).data : globalDir(rootDir, identity)
  if (!(yield* files.exists(place))) yield* inUse.remove(uniqueName(identity))
})

const setUp = Effect.fnUntraced(function*(request: CsiSetUp) {
  const locks = yield* CsiLocks
  const told = toldOf(request)
  const { mode } = told
  const identity = identityOf(told)
  const whole = Effect.gen(function*() {
    const gathered = yield* gather(request)
    const put = place(request, gathered)
    const { again, hostPath } = yield* mode === "Ephemeral" ? put : locks.oneByOne(uniqueName(identity))(put)
    return { hostPath, again: gathered.rules.requiresRepublish ? again : undefined }
  })
  return yield* Effect.onExit(
    whole,
    (exit) =>
      Exit.isSuccess(exit) || mode === "Ephemeral" ? Effect.void : Effect.ignore(releaseUnstaged(request, identity))
  )
})

/** While the pod uses it. */
const growInUse = Effect.fnUntraced(function*(request: CsiExpansion) {
  const { rootDir } = yield* VolumeHost
  const drivers = yield* CsiDrivers
  const locks = yield* CsiLocks
  const identity = identityOf(toldOf(request))
  const driver = yield* drivers.get(identity.driver)
  const staging = request.volume.block
    ? blockPaths(rootDir, request.volume.specName).staging
    : stagingPathIn(globalDir(rootDir, identity))
  const { hostPath, pod, reached, volume } = request
  const stagingPath = driver.abilities.stages ? staging : ""
  return yield* locks.oneByOne(uniqueName(identity))(
    expand({ pod, volume, driver, stagingPath, volumePath: hostPath, reached })
  )
})

/** What the driver says that the volume holds. Undefined for one that does not say. */
const usage = Effect.fnUntraced(function*(driver: RegisteredDriver, handle: string, path: string) {
  if (!driver.abilities.volumeStats) return undefined
  const answer = yield* driver.calls.nodeGetVolumeStats({ volumeId: handle, volumePath: path })
  const of = (unit: number) => {
    const { available = 0n, total = 0n, used = 0n } = answer.usage.find((one) => one.unit === unit) ?? {}
    return { available: Number(available), total: Number(total), used: Number(used) }
  }
  return { bytes: of(VolumeUsage_Unit.BYTES), inodes: of(VolumeUsage_Unit.INODES) }
})

/** As often as pods are synced by the kubelet: a driver may have to bring in what changes, such as a token. */
const republish = <E, R>(volume: DesiredVolume, again: Effect.Effect<void, E, R>) =>
  Effect.gen(function*() {
    const { syncMs } = yield* VolumeHost
    while (true) {
      yield* Effect.sleep(syncMs + (yield* Random.nextIntBetween(0, Math.ceil(syncMs / 2))))
      // What is mounted stays as it is when this fails.
      yield* Effect.catch(again, (error) =>
        Effect.logWarning(`volume ${volume.specName} cannot be published again`, error))
    }
  })

type Needs =
  | AgentConfig
  | CsiDrivers
  | CsiLocks
  | EventRecorder
  | HostFiles
  | KubeApi
  | Mounts
  | NodeState
  | Processes
  | VolumeHost
  | VolumesInUse

export const layer: Layer.Layer<CsiVolumes, never, Needs> = Layer.effect(
  CsiVolumes,
  Effect.gen(function*() {
    const needs = yield* Effect.context<Needs>()
    const drivers = yield* CsiDrivers
    const repeats = yield* FiberMap.make<string, never>()
    return CsiVolumes.of({
      setUp: Effect.fn("CsiVolumes.setUp")(
        function*(request: CsiSetUp) {
          const { again, hostPath } = yield* setUp(request)
          if (again !== undefined) {
            yield* FiberMap.run(repeats, request.path, Effect.provideContext(republish(request.volume, again), needs))
          }
          return { hostPath }
        },
        Effect.mapError(asVolumeError),
        Effect.provideContext(needs)
      ),
      tearDown: Effect.fn("CsiVolumes.tearDown")(
        function*(request: CsiTearDown) {
          yield* FiberMap.remove(repeats, request.path)
          yield* request.block ? unmap(request) : unmount(request)
        },
        Effect.mapError(asVolumeError),
        Effect.provideContext(needs)
      ),
      expand: Effect.fn("CsiVolumes.expand")(
        growInUse,
        Effect.mapError(asVolumeError),
        Effect.provideContext(needs)
      ),
      usage: Effect.fn("CsiVolumes.usage")(function*(request) {
        const { driver, facts } = toldOf(request)
        return yield* usage(yield* drivers.get(driver), facts.handle, request.hostPath)
      }, Effect.mapError(asVolumeError))
    })
  })
)
