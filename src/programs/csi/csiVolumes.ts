/** The volumes of CSI drivers (see `CsiVolumes`): attached, staged and published, and all that back again. */
import { Effect, Exit, FiberMap, Layer, Random } from "effect"
import {
  attachmentName,
  blockPaths,
  type CsiIdentity,
  globalDir,
  inlineHandle,
  oldGlobalDir,
  publishPathIn,
  uniqueName
} from "../../domain/csi/csiPaths.ts"
import { type LifecycleMode, lifecycleProblem, ownsByGroup } from "../../domain/csi/driverRules.ts"
import { type CsiVolumeFacts, publishRequest } from "../../domain/csi/requests.ts"
import type { VolumeData } from "../../domain/csi/volumeData.ts"
import type { DesiredVolume } from "../../domain/volumes/desired.ts"
import { VolumeUsage_Unit } from "../../gen/csi/csi_pb.ts"
import type { KubeApi } from "../../layers/api/KubeApi.ts"
import type { CsiError } from "../../layers/csi/Csi.ts"
import { GrpcCode } from "../../layers/grpc/Grpc.ts"
import { HostFiles } from "../../layers/host/HostFiles.ts"
import type { Mounts } from "../../layers/host/Mounts.ts"
import { AgentConfig } from "../AgentConfig.ts"
import type { NodeState } from "../node/NodeState.ts"
import { type CsiSetUp, type CsiTearDown, CsiVolumes } from "../volumes/CsiVolumes.ts"
import { applyOwnership } from "../volumes/groupOwnership.ts"
import { because, refuse, VolumeError } from "../volumes/VolumeError.ts"
import { VolumeHost } from "../volumes/VolumeHost.ts"
import { untilAttached } from "./attach.ts"
import { CsiDrivers, type RegisteredDriver } from "./CsiDrivers.ts"
import { readPodInputs, readRules, readSecret, type SecretReference } from "./csiInputs.ts"
import { CsiLocks } from "./CsiLocks.ts"
import { dropStage, stage, stageBlock, unstageUnused, unstageUnusedBlock } from "./stages.ts"
import {
  folderMode,
  mustBeUnmounted,
  namesIn,
  readData,
  removeEmpty,
  removeFile,
  removeMountPlace,
  saveData
} from "./volumeFiles.ts"
import { VolumesInUse } from "./VolumesInUse.ts"

interface Told {
  readonly driver: string
  readonly mode: LifecycleMode
  readonly facts: CsiVolumeFacts
  readonly stageSecret: SecretReference | undefined
  readonly publishSecret: SecretReference | undefined
}

const toldOf = ({ pod, volume }: CsiSetUp): Told => {
  const { block, readOnly, source } = volume
  if (source._tag === "CsiInline") {
    const { driver, fsType = "", nodePublishSecretRef, volumeAttributes = {} } = source.source
    const handle = inlineHandle(pod.metadata.uid, volume.name)
    return {
      driver,
      mode: "Ephemeral",
      facts: {
        handle,
        block,
        readOnly,
        fsType,
        mountOptions: [],
        accessMode: "ReadWriteOnce",
        attributes: volumeAttributes
      },
      stageSecret: undefined,
      // The secret of a pod's own volume is the pod's own.
      publishSecret: { name: nodePublishSecretRef?.name, namespace: pod.metadata.namespace }
    }
  }
  if (source._tag !== "Csi") throw new Error(`volume ${volume.name} is of no CSI driver`)
  const { driver, fsType = "", nodePublishSecretRef, nodeStageSecretRef, volumeAttributes = {}, volumeHandle } =
    source.source
  const [accessMode = "ReadWriteOnce"] = source.accessModes
  return {
    driver,
    mode: "Persistent",
    facts: {
      handle: volumeHandle,
      block,
      readOnly,
      fsType,
      mountOptions: source.mountOptions,
      accessMode,
      attributes: volumeAttributes
    },
    stageSecret: nodeStageSecretRef,
    publishSecret: nodePublishSecretRef
  }
}

const fsGroupOf = ({ pod }: CsiSetUp): number | undefined => pod.spec.securityContext?.fsGroup

/** All that is asked of others before the driver is. */
const gather = Effect.fnUntraced(function*(request: CsiSetUp) {
  const told = toldOf(request)
  const drivers = yield* CsiDrivers
  const rules = yield* readRules(told.driver)
  const problem = lifecycleProblem(rules, told.mode, told.driver)
  if (problem !== undefined) return yield* refuse(problem)
  const driver = yield* drivers.get(told.driver)
  const identity: CsiIdentity = { driver: told.driver, handle: told.facts.handle }
  const publishContext = told.mode === "Persistent" && rules.attachRequired ? yield* untilAttached(identity) : {}
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

const mount = Effect.fnUntraced(function*(request: CsiSetUp, gathered: Gathered) {
  const { nodeName } = yield* AgentConfig
  const { driver, identity, rules, told } = gathered
  const targetPath = publishPathIn(request.path)
  // Before anything is mounted: from now on the volume is one of this pod's, whatever happens to the agent.
  yield* saveData(request.path, dataOf(gathered, request, nodeName))
  const stagingPath = told.mode === "Ephemeral"
    ? ""
    : yield* stage(identity, driver, stageInputs(gathered, request)).pipe(
      Effect.catchTag("CsiError", (error) => Effect.andThen(afterFailedStage(request, identity, error), error))
    )
  yield* publish(request, gathered, { stagingPath, targetPath })
  const fsGroup = fsGroupOf(request)
  if (fsGroup !== undefined && !driver.abilities.mountGroup && ownsByGroup(rules, request.volume, fsGroup)) {
    const onRootMismatch = request.pod.spec.securityContext?.fsGroupChangePolicy === "OnRootMismatch"
    yield* applyOwnership(targetPath, { fsGroup, readOnly: false, onRootMismatch })
  }
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
  yield* publish(request, gathered, { stagingPath, targetPath })
  return { hostPath: targetPath, again: publish(request, gathered, { stagingPath, targetPath }) }
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
  const { driver, facts, mode } = toldOf(request)
  const identity = { driver, handle: facts.handle }
  const whole = Effect.gen(function*() {
    const gathered = yield* gather(request)
    const put = request.volume.block ? map(request, gathered) : mount(request, gathered)
    const { again, hostPath } = yield* mode === "Ephemeral" ? put : locks.oneByOne(uniqueName(identity))(put)
    return { hostPath, again: gathered.rules.requiresRepublish ? again : undefined }
  })
  return yield* Effect.onExit(
    whole,
    (exit) =>
      Exit.isSuccess(exit) || mode === "Ephemeral" ? Effect.void : Effect.ignore(releaseUnstaged(request, identity))
  )
})

const unmount = Effect.fnUntraced(function*({ path, specName }: CsiTearDown) {
  const drivers = yield* CsiDrivers
  const locks = yield* CsiLocks
  const { rootDir } = yield* VolumeHost
  const targetPath = publishPathIn(path)
  const data = yield* readData(path)
  // Nothing was ever asked of a driver: there is only the place. Something mounted without data is nobody's we know.
  if (data === undefined) return yield* removeMountPlace(path, targetPath)
  const identity: CsiIdentity = { driver: data.driverName, handle: data.volumeHandle }
  const unpublish = Effect.gen(function*() {
    const { calls } = yield* drivers.get(identity.driver)
    yield* calls.nodeUnpublishVolume({ volumeId: identity.handle, targetPath })
    yield* removeMountPlace(path, targetPath)
  })
  if (data.volumeLifecycleMode === "Ephemeral") return yield* unpublish
  yield* locks.oneByOne(uniqueName(identity))(Effect.gen(function*() {
    yield* unpublish
    yield* unstageUnused(identity, globalDir(rootDir, identity))
    yield* unstageUnused(identity, oldGlobalDir(rootDir, specName))
  }))
})

const unmap = Effect.fnUntraced(function*({ path, specName, uid }: CsiTearDown) {
  const drivers = yield* CsiDrivers
  const locks = yield* CsiLocks
  const { rootDir } = yield* VolumeHost
  const paths = blockPaths(rootDir, specName)
  const targetPath = `${paths.publishDir}/${uid}`
  const data = yield* readData(paths.data)
  if (data === undefined) return yield* removeFile(path)
  const identity: CsiIdentity = { driver: data.driverName, handle: data.volumeHandle }
  yield* locks.oneByOne(uniqueName(identity))(Effect.gen(function*() {
    const { calls } = yield* drivers.get(identity.driver)
    yield* calls.nodeUnpublishVolume({ volumeId: identity.handle, targetPath })
    yield* mustBeUnmounted(targetPath)
    if ((yield* namesIn(paths.publishDir)).includes(uid)) {
      yield* removeFile(targetPath).pipe(Effect.catch(() => removeEmpty(targetPath)))
    }
    yield* removeFile(path)
    yield* unstageUnusedBlock(identity, specName)
  }))
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

/** As often as pods are synced by the kubelet. */
const republishMs = { least: 60_000, most: 90_000 }

const republish = <E, R>(volume: DesiredVolume, again: Effect.Effect<void, E, R>) =>
  Effect.forever(
    Effect.gen(function*() {
      yield* Effect.sleep(yield* Random.nextIntBetween(republishMs.least, republishMs.most))
      // What is mounted stays as it is when this fails.
      yield* Effect.catch(again, (error) =>
        Effect.logWarning(`volume ${volume.specName} cannot be published again`, error))
    })
  )

type Needs =
  | AgentConfig
  | CsiDrivers
  | CsiLocks
  | HostFiles
  | KubeApi
  | Mounts
  | NodeState
  | VolumeHost
  | VolumesInUse

const asVolumeError = (error: { readonly message: string }): VolumeError =>
  error instanceof VolumeError ? error : because(error)

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
      usage: Effect.fn("CsiVolumes.usage")(function*(request) {
        const { driver, facts } = toldOf({ ...request, path: "" })
        return yield* usage(yield* drivers.get(driver), facts.handle, request.hostPath)
      }, Effect.mapError(asVolumeError))
    })
  })
)
