/**
 * Volumes that a driver stages once on the node for all pods that use them. Who uses one is told by the data that lies
 * with the pods: it is there before the stage and goes after the publish, so that any agent can tell what is unused.
 */
import { Effect } from "effect"
import {
  blockPaths,
  type CsiIdentity,
  globalDir,
  podDevicePath,
  podVolumePath,
  stagingPathIn,
  uniqueName
} from "../../domain/csi/csiPaths.ts"
import { type StageInputs, stageRequest } from "../../domain/csi/requests.ts"
import { podsDir } from "../../domain/volumes/volumePaths.ts"
import { HostFiles } from "../../layers/host/HostFiles.ts"
import { VolumeHost } from "../volumes/VolumeHost.ts"
import { CsiDrivers, type RegisteredDriver } from "./CsiDrivers.ts"
import { CsiLocks } from "./CsiLocks.ts"
import {
  folderMode,
  mustBeUnmounted,
  namesIn,
  readData,
  removeEmpty,
  removeMountPlace,
  saveData
} from "./volumeFiles.ts"
import { VolumesInUse } from "./VolumesInUse.ts"

type Inputs = Omit<StageInputs, "stagingPath">

/** Has the volume staged, and answers where; empty for a driver that does not stage. Under the volume's lock. */
export const stage = Effect.fn("csi.stage")(function*(identity: CsiIdentity, driver: RegisteredDriver, inputs: Inputs) {
  const { rootDir } = yield* VolumeHost
  const files = yield* HostFiles
  const locks = yield* CsiLocks
  const directory = globalDir(rootDir, identity)
  const stagingPath = stagingPathIn(directory)
  yield* saveData(directory, { driverName: identity.driver, volumeHandle: identity.handle })
  yield* files.makeDirectory(stagingPath, { mode: folderMode, recursive: true })
  if (!driver.abilities.stages) return ""
  // What an agent before this one staged is staged again: that is harmless, and finishes what it left half done.
  if (locks.staged.has(uniqueName(identity))) return stagingPath
  yield* driver.calls.nodeStageVolume(stageRequest({ ...inputs, stagingPath }))
  locks.staged.add(uniqueName(identity))
  return stagingPath
})

const usesVolume = Effect.fnUntraced(function*(directory: string, { driver, handle }: CsiIdentity) {
  const data = yield* readData(directory)
  return data?.driverName === driver && data.volumeHandle === handle && data.volumeLifecycleMode !== "Ephemeral"
})

const isUsed = Effect.fnUntraced(function*(identity: CsiIdentity) {
  const { rootDir } = yield* VolumeHost
  for (const uid of yield* namesIn(podsDir(rootDir))) {
    for (const name of yield* namesIn(podVolumePath(rootDir, uid, ""))) {
      if (yield* usesVolume(podVolumePath(rootDir, uid, name), identity)) return true
    }
  }
  return false
})

/** A stage that came to nothing: nothing must be undone, and the place goes unless another pod has the volume. */
export const dropStage = Effect.fn("csi.dropStage")(function*(identity: CsiIdentity) {
  const { rootDir } = yield* VolumeHost
  const directory = globalDir(rootDir, identity)
  if (!(yield* isUsed(identity))) yield* removeMountPlace(directory, stagingPathIn(directory))
})

/** Unstages what no pod on the node uses; anything else is left alone. `directory`: where the volume's data lies. */
export const unstageUnused = Effect.fn("csi.unstageUnused")(function*(identity: CsiIdentity, directory: string) {
  const files = yield* HostFiles
  const locks = yield* CsiLocks
  const drivers = yield* CsiDrivers
  const inUse = yield* VolumesInUse
  if (!(yield* files.exists(directory)) || (yield* isUsed(identity))) return
  const stagingPath = stagingPathIn(directory)
  const driver = yield* drivers.get(identity.driver)
  locks.staged.delete(uniqueName(identity))
  if (driver.abilities.stages) {
    yield* driver.calls.nodeUnstageVolume({ volumeId: identity.handle, stagingTargetPath: stagingPath })
  }
  yield* removeMountPlace(directory, stagingPath)
  yield* inUse.remove(uniqueName(identity))
})

/** As `stage`, for a block volume: there is nothing to mount, the driver only makes the device ready. */
export const stageBlock = Effect.fn("csi.stageBlock")(
  function*(identity: CsiIdentity, specName: string, driver: RegisteredDriver, inputs: Inputs) {
    const { rootDir } = yield* VolumeHost
    const files = yield* HostFiles
    const locks = yield* CsiLocks
    const { staging } = blockPaths(rootDir, specName)
    if (!driver.abilities.stages) return ""
    yield* files.makeDirectory(staging, { mode: folderMode, recursive: true })
    if (locks.staged.has(uniqueName(identity))) return staging
    yield* driver.calls.nodeStageVolume(stageRequest({ ...inputs, stagingPath: staging }))
    locks.staged.add(uniqueName(identity))
    return staging
  }
)

const isDeviceUsed = Effect.fnUntraced(function*(specName: string) {
  const { rootDir } = yield* VolumeHost
  for (const uid of yield* namesIn(podsDir(rootDir))) {
    if ((yield* namesIn(podDevicePath(rootDir, uid, ""))).includes(specName)) return true
  }
  return false
})

export const unstageUnusedBlock = Effect.fn("csi.unstageUnusedBlock")(
  function*(identity: CsiIdentity, specName: string) {
    const { rootDir } = yield* VolumeHost
    const files = yield* HostFiles
    const locks = yield* CsiLocks
    const drivers = yield* CsiDrivers
    const inUse = yield* VolumesInUse
    const { data, own, publishDir, staging } = blockPaths(rootDir, specName)
    if (yield* isDeviceUsed(specName)) return
    const driver = yield* drivers.get(identity.driver)
    locks.staged.delete(uniqueName(identity))
    if (driver.abilities.stages) {
      yield* driver.calls.nodeUnstageVolume({ volumeId: identity.handle, stagingTargetPath: staging })
    }
    yield* mustBeUnmounted(staging)
    yield* removeEmpty(staging)
    yield* removeEmpty(publishDir)
    yield* files.removeTree(data)
    yield* files.removeTree(own)
    yield* inUse.remove(uniqueName(identity))
  }
)
