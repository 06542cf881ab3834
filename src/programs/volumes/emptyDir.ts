/** The directory of an emptyDir, and of the volumes that keep their files in one (parity I3). */
import { Effect } from "effect"
import type { Backing } from "../../domain/volumes/emptyDirMount.ts"
import { groupMode } from "../../domain/volumes/ownership.ts"
import { readyMarker, volumePath, type VolumePlace } from "../../domain/volumes/volumePaths.ts"
import { HostFiles } from "../../layers/host/HostFiles.ts"
import { Mounts } from "../../layers/host/Mounts.ts"

export interface EmptyDirWish {
  readonly place: VolumePlace
  /** Undefined: on the node's disk. */
  readonly backing: Backing | undefined
  readonly fsGroup: number | undefined
  /** It holds files that the agent writes: pods get it read-only. */
  readonly wrapped: boolean
}

const folderMode = 0o750
const openMode = 0o777

const parentOf = (path: string): string => path.slice(0, path.lastIndexOf("/"))

/** Open to all as the kubelet has it; with an fsGroup it belongs to that and hands it down. */
const own = Effect.fnUntraced(function*(path: string, wish: EmptyDirWish) {
  const files = yield* HostFiles
  const { mode } = yield* files.stat(path)
  // A tmpfs keeps its sticky bit.
  const open = mode | openMode
  if (wish.fsGroup === undefined) {
    if (open !== mode) yield* files.chmod(path, open)
    return
  }
  yield* files.chown(path, { gid: wish.fsGroup })
  yield* files.chmod(path, groupMode(open, { directory: true, readOnly: wish.wrapped }))
})

/**
 * Makes the directory, mounts what backs it, and marks it as done. From then on its mode and owner are the pod's, so a
 * directory that is marked is left alone: after a reboot only its mount is made anew.
 */
export const setUpEmptyDir = Effect.fnUntraced(function*(wish: EmptyDirWish) {
  const files = yield* HostFiles
  const mounts = yield* Mounts
  const path = volumePath(wish.place)
  const marker = readyMarker(wish.place, wish.wrapped)
  const there = yield* files.exists(path)
  // What is not there is not mounted either: no need to read the table.
  const mounted = wish.backing === undefined || (there && (yield* mounts.isMountPoint(path)))
  if (there && mounted && (yield* files.exists(marker))) return path
  // It may be left of a directory or a mount that is gone, and must not speak for the one that is made now.
  yield* files.removeFile(marker).pipe(Effect.catchReason("HostFileError", "NotFound", () => Effect.void))
  yield* files.makeDirectory(parentOf(path), { mode: folderMode, recursive: true })
  // Its mode comes with its owner: what is mounted brings one of its own.
  yield* files.makeDirectory(path, { recursive: true })
  if (wish.backing !== undefined && !mounted) yield* mounts.mount({ ...wish.backing, target: path })
  yield* own(path, wish)
  yield* files.makeDirectory(parentOf(marker), { mode: folderMode, recursive: true })
  yield* files.writeFile(marker, "")
  return path
})
