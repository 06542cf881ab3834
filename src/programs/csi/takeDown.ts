/** Unpublishes a CSI volume and removes its place, by what lies there: the agent that made it may be long gone (parity J7). */
import { Effect } from "effect"
import {
  blockPaths,
  type CsiIdentity,
  globalDir,
  oldGlobalDir,
  publishPathIn,
  uniqueName
} from "../../domain/csi/csiPaths.ts"
import type { CsiTearDown } from "../volumes/CsiVolumes.ts"
import { unlockDevice } from "../volumes/deviceLock.ts"
import { VolumeHost } from "../volumes/VolumeHost.ts"
import { CsiDrivers } from "./CsiDrivers.ts"
import { CsiLocks } from "./CsiLocks.ts"
import { unstageUnused, unstageUnusedBlock } from "./stages.ts"
import { mustBeUnmounted, namesIn, readData, removeEmpty, removeFile, removeMountPlace } from "./volumeFiles.ts"

export const unmount = Effect.fnUntraced(function*({ path, specName }: CsiTearDown) {
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

export const unmap = Effect.fnUntraced(function*({ path, specName, uid }: CsiTearDown) {
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
    if ((yield* namesIn(paths.publishDir)).includes(uid)) yield* unlockDevice(targetPath)
    yield* calls.nodeUnpublishVolume({ volumeId: identity.handle, targetPath })
    yield* mustBeUnmounted(targetPath)
    if ((yield* namesIn(paths.publishDir)).includes(uid)) {
      yield* removeFile(targetPath).pipe(Effect.catch(() => removeEmpty(targetPath)))
    }
    yield* removeFile(path)
    yield* unstageUnusedBlock(identity, specName)
  }))
})
