/** The files and folders around CSI volumes: data that says what is mounted, and the empty places of what no longer is. */
import { Effect } from "effect"
import { dataFile, isUnfinishedData } from "../../domain/csi/csiPaths.ts"
import { parseVolumeData, type VolumeData, volumeDataText } from "../../domain/csi/volumeData.ts"
import { HostFiles } from "../../layers/host/HostFiles.ts"
import { Mounts } from "../../layers/host/Mounts.ts"
import { refuse } from "../volumes/VolumeError.ts"

export const folderMode = 0o750

export const saveData = Effect.fnUntraced(function*(directory: string, data: VolumeData) {
  const files = yield* HostFiles
  yield* files.makeDirectory(directory, { mode: folderMode, recursive: true })
  yield* files.writeFileAtomic(`${directory}/${dataFile}`, volumeDataText(data), { mode: 0o600 })
})

/** Undefined where nothing was set up. */
export const readData = Effect.fnUntraced(function*(directory: string) {
  const files = yield* HostFiles
  const path = `${directory}/${dataFile}`
  if (!(yield* files.exists(path))) return undefined
  const data = parseVolumeData(yield* files.readText(path))
  if (data === undefined) return yield* refuse(`${path} is no data of a volume`)
  return data
})

/** Names in a directory; none where it does not exist. */
export const namesIn = Effect.fnUntraced(function*(path: string) {
  const files = yield* HostFiles
  return yield* files.readDirectory(path).pipe(
    Effect.catchReason("HostFileError", "NotFound", () => Effect.succeed<ReadonlyArray<string>>([]))
  )
})

/** Removes an empty directory; absence is a success. */
export const removeEmpty = Effect.fnUntraced(function*(path: string) {
  const files = yield* HostFiles
  yield* files.removeDirectory(path).pipe(Effect.catchReason("HostFileError", "NotFound", () => Effect.void))
})

export const removeFile = Effect.fnUntraced(function*(path: string) {
  const files = yield* HostFiles
  yield* files.removeFile(path).pipe(Effect.catchReason("HostFileError", "NotFound", () => Effect.void))
})

/** What agents left that were killed while they wrote the data. */
export const removeUnfinished = Effect.fnUntraced(function*(directory: string) {
  const names = yield* namesIn(directory)
  yield* Effect.forEach(names.filter(isUnfinishedData), (name) => removeFile(`${directory}/${name}`), { discard: true })
})

/** A driver that says it unmounted is believed only when it is so: what is still mounted must not be forgotten. */
export const mustBeUnmounted = Effect.fnUntraced(function*(path: string) {
  const mounts = yield* Mounts
  if (yield* mounts.isMountPoint(path)) return yield* refuse(`${path} is still mounted`)
})

/** Removes the place of a mount with its data. Whatever else lies there stays, and is an error. */
export const removeMountPlace = Effect.fnUntraced(function*(directory: string, mountPath: string) {
  yield* mustBeUnmounted(mountPath)
  yield* removeEmpty(mountPath)
  yield* removeUnfinished(directory)
  yield* removeFile(`${directory}/${dataFile}`)
  yield* removeEmpty(directory)
})
