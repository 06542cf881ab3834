/** Takes volumes down by what lies on the node: no memory of how they came there is needed (parity I2, G5). */
import { Effect } from "effect"
import type { FoundVolume, VolumeAction } from "../../domain/volumes/plan.ts"
import { blockDevicesDir, plugins, pluginsDir, subPathsDir, volumesDir } from "../../domain/volumes/volumePaths.ts"
import { HostFiles } from "../../layers/host/HostFiles.ts"
import { Mounts } from "../../layers/host/Mounts.ts"
import { CsiVolumes } from "./CsiVolumes.ts"
import { unlockDevice } from "./deviceLock.ts"
import { because, VolumeError } from "./VolumeError.ts"
import { VolumeHost } from "./VolumeHost.ts"

/** Volumes whose content is the pod's alone and ends with it. Of all others only the empty place is removed. */
const ownContent: ReadonlySet<string> = new Set([
  plugins.emptyDir,
  plugins.secret,
  plugins.configMap,
  plugins.downwardAPI,
  plugins.projected
])

/** A server that is gone would hold an unmount for ever: requests to it are given up. */
const unmount = Effect.fnUntraced(function*(target: string) {
  const mounts = yield* Mounts
  yield* mounts.unmount(target).pipe(
    Effect.catchReason("MountError", "NotFound", () => Effect.void),
    Effect.catchReason("MountError", "Uncertain", () => mounts.unmount(target, { force: true, lazy: true }))
  )
})

const unmountAll = (targets: ReadonlyArray<string>) => Effect.forEach(targets, unmount, { discard: true })

/** Removes an empty directory or a link; absence is a success. */
const removePlace = Effect.fnUntraced(function*(path: string, link: boolean) {
  const files = yield* HostFiles
  yield* (link ? files.removeFile(path) : files.removeDirectory(path)).pipe(
    Effect.catchReason("HostFileError", "NotFound", () => Effect.void)
  )
})

/** The device may be gone before its pod, and its lock with it. */
const unlockOnce = Effect.fnUntraced(function*(link: string) {
  const files = yield* HostFiles
  const device = yield* files.realPath(link).pipe(
    Effect.catchReason("HostFileError", "NotFound", () => Effect.succeed(undefined))
  )
  if (device !== undefined) yield* unlockDevice(device)
})

const tearDownVolume = Effect.fnUntraced(function*(
  uid: string,
  volume: FoundVolume,
  targets: ReadonlyArray<string>
) {
  const files = yield* HostFiles
  if (volume.plugin === plugins.csi) {
    const drivers = yield* CsiVolumes
    return yield* drivers.tearDown({ uid, specName: volume.specName, path: volume.path, block: volume.block })
  }
  yield* unmountAll(targets)
  if (volume.block) yield* unlockOnce(volume.path)
  if (ownContent.has(volume.plugin)) return yield* files.removeTree(volume.path)
  yield* removePlace(volume.path, volume.block)
})

export const tearDown = Effect.fn("tearDownVolume")(function*(
  uid: string,
  action: VolumeAction & { _tag: "TearDown" }
) {
  yield* tearDownVolume(uid, action.volume, action.mounts)
}, Effect.mapError((error) => (error instanceof VolumeError ? error : because(error))))

export const tearDownSubPaths = Effect.fn("tearDownSubPaths")(function*(
  uid: string,
  action: VolumeAction & { _tag: "TearDownSubPaths" }
) {
  const { rootDir } = yield* VolumeHost
  const files = yield* HostFiles
  yield* unmountAll(action.mounts)
  yield* files.removeTree(subPathsDir(rootDir, uid))
}, Effect.mapError(because))

/** Whatever is not empty where it should be stays, and the error names it: it may be somebody's data. */
const removeEmpty = Effect.fnUntraced(function*(directory: string) {
  const files = yield* HostFiles
  if (!(yield* files.exists(directory))) return
  const names = yield* files.readDirectory(directory)
  yield* Effect.forEach(names, (name) => removePlace(`${directory}/${name}`, false), { discard: true })
  yield* removePlace(directory, false)
})

export const removeFolders = Effect.fn("removeVolumeFolders")(function*(uid: string) {
  const { rootDir } = yield* VolumeHost
  const files = yield* HostFiles
  yield* files.removeTree(subPathsDir(rootDir, uid))
  yield* removeEmpty(volumesDir(rootDir, uid))
  yield* removeEmpty(blockDevicesDir(rootDir, uid))
  // Only markers of the agent's own lie here.
  yield* files.removeTree(pluginsDir(rootDir, uid))
}, Effect.mapError(because))
