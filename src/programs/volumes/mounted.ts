/** Volumes that are mounted from elsewhere: directories and devices of the node, and NFS exports (parity I13). */
import { Effect } from "effect"
import type { Pod } from "../../domain/k8s/pod.ts"
import type { DesiredVolume, VolumeSource } from "../../domain/volumes/desired.ts"
import { escapePlugin } from "../../domain/volumes/volumePaths.ts"
import { HostFiles } from "../../layers/host/HostFiles.ts"
import { Mounts } from "../../layers/host/Mounts.ts"
import { EventRecorder } from "../events/EventRecorder.ts"
import { lockDevice } from "./deviceLock.ts"
import { mountDisk } from "./formatDisk.ts"
import { applyOwnership } from "./groupOwnership.ts"
import { refuse } from "./VolumeError.ts"

interface Wish<Source> {
  readonly pod: Pod
  readonly volume: DesiredVolume
  readonly source: Source
  /** Where the pod's own place of the volume is. */
  readonly path: string
}

const folderMode = 0o750
const parentOf = (path: string): string => path.slice(0, path.lastIndexOf("/"))

const readOnlyOption = (volume: DesiredVolume): ReadonlyArray<string> => (volume.readOnly ? ["ro"] : [])

/** Makes the place and mounts on it unless something is mounted there already. A failed mount leaves no empty place. */
const mountOnce = <E, R>(path: string, mount: Effect.Effect<void, E, R>) =>
  Effect.gen(function*() {
    const files = yield* HostFiles
    const mounts = yield* Mounts
    if ((yield* files.exists(path)) && (yield* mounts.isMountPoint(path))) return
    yield* files.makeDirectory(path, { mode: folderMode, recursive: true })
    yield* mount
  })

/** Whether another pod of this node has the same volume. */
const isShared = Effect.fnUntraced(function*({ path, volume }: Wish<unknown>) {
  const mounts = yield* Mounts
  const place = `/${escapePlugin(volume.plugin)}/${volume.specName}`
  return (yield* mounts.list).some(({ mountPoint }) => mountPoint !== path && mountPoint.endsWith(place))
})

/** Files that other pods use stay whose they are: the pod that comes later is told if they are not its own (parity I20). */
const tellOfClash = Effect.fnUntraced(function*({ path, pod, volume }: Wish<unknown>, fsGroup: number) {
  const files = yield* HostFiles
  const events = yield* EventRecorder
  const { gid } = yield* files.stat(path)
  if (gid === fsGroup) return
  const message = `The requested fsGroup is ${fsGroup}, but the volume ${volume.specName} has GID ${gid}. ` +
    "The volume may not be shareable."
  yield* events.recordPod(pod, { type: "Warning", reason: "AlreadyMountedVolume", message })
})

const ownTree = Effect.fnUntraced(function*(wish: Wish<unknown>) {
  const { path, pod, volume } = wish
  const { fsGroup, fsGroupChangePolicy } = pod.spec.securityContext ?? {}
  if (fsGroup === undefined || volume.readOnly) return
  if (yield* isShared(wish)) return yield* tellOfClash(wish, fsGroup)
  yield* applyOwnership(path, { fsGroup, readOnly: false, onRootMismatch: fsGroupChangePolicy === "OnRootMismatch" })
})

/** A local volume that is a disk is mounted with its file system; one that is a directory is bound. */
export const setUpLocal = Effect.fnUntraced(function*(wish: Wish<VolumeSource & { _tag: "Local" }>) {
  const files = yield* HostFiles
  const mounts = yield* Mounts
  const { path, source, volume } = wish
  const found = yield* files.stat(source.path).pipe(
    Effect.catchReason("HostFileError", "NotFound", () => Effect.fail(refuse(`path "${source.path}" does not exist`)))
  )
  const bind = mounts.bind({ source: source.path, target: path, readOnly: volume.readOnly }).pipe(
    Effect.andThen(
      source.mountOptions.length === 0
        ? Effect.void
        : mounts.remount(path, ["bind", ...source.mountOptions, ...readOnlyOption(volume)])
    )
  )
  const disk = mountDisk({
    device: source.path,
    target: path,
    fsType: source.fsType === "" ? "ext4" : source.fsType,
    options: source.mountOptions,
    readOnly: volume.readOnly
  })
  yield* mountOnce(path, found.type === "blockDevice" ? disk : bind)
  yield* ownTree(wish)
  return path
})

/** A local volume in block mode: the pod's place is a link to the device (parity I17). */
export const mapLocal = Effect.fnUntraced(function*({ path, source }: Wish<VolumeSource & { _tag: "Local" }>) {
  const files = yield* HostFiles
  const { type } = yield* files.stat(source.path)
  if (type !== "blockDevice") return yield* refuse(`path "${source.path}" is not a block device`)
  if (!(yield* files.exists(path))) {
    yield* files.makeDirectory(parentOf(path), { mode: folderMode, recursive: true })
    yield* files.symlink(source.path, path)
  }
  yield* lockDevice(source.path)
  return path
})

export const setUpNfs = Effect.fnUntraced(function*({ path, source, volume }: Wish<VolumeSource & { _tag: "Nfs" }>) {
  const mounts = yield* Mounts
  // An IPv6 address needs brackets, or its colons would end it.
  const server = source.server.includes(":") && !source.server.startsWith("[") ? `[${source.server}]` : source.server
  yield* mountOnce(
    path,
    mounts.mount({
      source: `${server}:${source.path}`,
      target: path,
      fsType: "nfs",
      options: [...source.mountOptions, ...readOnlyOption(volume)]
    })
  )
  return path
})
