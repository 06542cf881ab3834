/** The file system of a `MemoryHost`: the live one's contract without a disk, deterministic under `Clock`. */
import { Cause, Effect, Layer, Queue, Stream } from "effect"
import { fileError } from "./errno.ts"
import { type FileOwner, type FileStat, type HostFileError, HostFiles } from "./HostFiles.ts"
import { blocks, Errno, type Inode, type Watcher } from "./memory/inode.ts"
import { MemoryHost } from "./memory/MemoryHost.ts"
import { names } from "./memory/MountTable.ts"

export { MemoryHost }

const toStat = (inode: Inode): FileStat => ({
  type: inode.type,
  mode: inode.mode,
  uid: inode.uid,
  gid: inode.gid,
  sizeBytes: inode.type === "symlink" ? inode.target.length : inode.data.byteLength,
  mtimeMs: inode.mtimeMs,
  ino: inode.ino,
  dev: inode.fs.dev,
  nlink: inode.type === "directory" ? 2 : 1,
  rdev: inode.rdev
})

/** One call: refusals become errors, everything else is a bug. */
const call = <A>(op: string, path: string, run: (nowMs: number) => A): Effect.Effect<A, HostFileError> =>
  Effect.clockWith((clock) => {
    try {
      return Effect.succeed(run(clock.currentTimeMillisUnsafe()))
    } catch (cause) {
      if (!(cause instanceof Errno)) throw cause
      return Effect.fail(fileError(op, path, cause.code, { detail: cause.message }))
    }
  })

const setOwner = (inode: Inode, owner: FileOwner): void => {
  inode.uid = owner.uid ?? inode.uid
  inode.gid = owner.gid ?? inode.gid
  // As the kernel does it: a change of owner takes the set-id bits of a file away.
  if (inode.type === "file") inode.mode &= 0o1777
}

const concat = (head: Uint8Array, tail: Uint8Array): Uint8Array => {
  const all = new Uint8Array(head.byteLength + tail.byteLength)
  all.set(head)
  all.set(tail, head.byteLength)
  return all
}

const bytesOf = (data: string | Uint8Array): Uint8Array =>
  typeof data === "string" ? new TextEncoder().encode(data) : data

const writeAtomic = (
  host: MemoryHost,
  path: string,
  data: string | Uint8Array,
  options: { readonly mode?: number; readonly uid?: number; readonly gid?: number; readonly nowMs: number }
) => {
  const temporary = `${path}.new`
  host.write(temporary, data, { mode: 0o644, ...options })
  host.rename(temporary, path, options.nowMs)
}

const makeDirectory = (host: MemoryHost, path: string, mode: number, recursive: boolean, nowMs: number) => {
  if (recursive) host.makeDirectories(path, mode, nowMs)
  else host.create(path, { type: "directory", mode }, nowMs)
}

const diskUsage = (inode: Inode): { readonly bytes: number; readonly inodes: number } => {
  const usage = { bytes: blocks(inode.data), inodes: 1 }
  for (const child of inode.entries.values()) {
    const below = diskUsage(child)
    usage.bytes += below.bytes
    usage.inodes += below.inodes
  }
  return usage
}

const openBeneath = (
  host: MemoryHost,
  root: string,
  relative: string,
  createMode: number | undefined,
  nowMs: number
) => {
  if (relative.startsWith("/")) throw new Errno("EINVAL", `${relative} is an absolute path`)
  if (names(relative).includes("..")) throw new Errno("EINVAL", `${relative} must not contain ".."`)
  let place = host.at(root)
  for (const name of names(relative)) {
    let next = host.table.step(place, name)
    if (next === undefined && createMode !== undefined) {
      const made = host.createIn(place, name, { type: "directory", mode: createMode }, nowMs)
      made.mode = (made.mode & 0o2000) | createMode
      next = { mount: place.mount, inode: made }
    }
    if (next === undefined) throw new Errno("ENOENT")
    if (next.inode.type === "symlink") throw new Errno("ELOOP", `${name} of ${relative} is a symbolic link`)
    place = next
  }
  return { pin: host.table.pin(place), stat: toStat(place.inode) }
}

const watch = (host: MemoryHost, path: string): Stream.Stream<void, HostFileError> =>
  Stream.callback<void, HostFileError>((queue) =>
    Effect.acquireRelease(
      call("watch", path, () => {
        const { inode } = host.at(path)
        const watcher: Watcher = {
          changed: () => Queue.offerUnsafe(queue, undefined),
          gone: () => Queue.failCauseUnsafe(queue, Cause.fail(fileError("watch", path, "ENOENT")))
        }
        inode.watchers ??= new Set()
        inode.watchers.add(watcher)
        watcher.changed()
        return { inode, watcher }
      }),
      ({ inode, watcher }) => Effect.sync(() => inode.watchers?.delete(watcher))
    ), { bufferSize: 1, strategy: "sliding" })

const statIfAny = (host: MemoryHost, path: string): FileStat | undefined => {
  try {
    const place = host.table.find(path, true)
    return place === undefined ? undefined : toStat(place.inode)
  } catch (cause) {
    if (!(cause instanceof Errno)) throw cause
    return undefined
  }
}

const ownership = (host: MemoryHost) => ({
  chmod: (path: string, mode: number) => {
    host.at(path).inode.mode = mode & 0o7777
  },
  chown: (path: string, owner: FileOwner, follow: boolean) => setOwner(host.at(path, follow).inode, owner)
})

const contents = (host: MemoryHost) => {
  const read = (path: string, from: number, to: number) => host.read(path).slice(from, to)
  return {
    readFile: (path) => call("read", path, () => host.read(path).slice()),
    readText: (path) => call("read", path, () => host.readText(path)),
    readRange: (path, range) =>
      call("read", path, () => read(path, range.offsetBytes, range.offsetBytes + range.lengthBytes)),
    readTail: (path, maxBytes) =>
      call("read", path, () => {
        const size = host.read(path).byteLength
        return read(path, Math.max(0, size - maxBytes), size)
      }),
    writeFile: (path, data, options) => call("write", path, (nowMs) => host.write(path, data, { ...options, nowMs })),
    writeFileAtomic: (path, data, options) =>
      call("write", path, (nowMs) => writeAtomic(host, path, data, { ...options, nowMs })),
    writeInto: (path, data) =>
      call("write", path, (nowMs) => {
        host.at(path)
        host.write(path, data, { nowMs })
      }),
    append: (path, data) =>
      call("append", path, (nowMs) => {
        const old = host.table.find(path, true) === undefined ? new Uint8Array(0) : host.read(path)
        host.write(path, concat(old, bytesOf(data)), { nowMs })
      })
  } satisfies Partial<HostFiles["Service"]>
}

const entries = (host: MemoryHost) => ({
  makeDirectory: (path, options) =>
    call(
      "mkdir",
      path,
      (nowMs) => makeDirectory(host, path, options?.mode ?? 0o755, options?.recursive ?? false, nowMs)
    ),
  readDirectory: (path) =>
    call("readdir", path, () => {
      const { inode } = host.at(path)
      if (inode.type !== "directory") throw new Errno("ENOTDIR")
      return [...inode.entries.keys()].sort()
    }),
  exists: (path) => call("stat", path, () => host.exists(path)),
  stat: (path) => call("stat", path, () => toStat(host.at(path).inode)),
  statAll: (paths) => call("stat", "", () => paths.map((path) => statIfAny(host, path))),
  lstat: (path) => call("lstat", path, () => toStat(host.at(path, false).inode)),
  symlink: (target, path) =>
    call("symlink", path, (nowMs) => void host.create(path, { type: "symlink", mode: 0o777, target }, nowMs)),
  readLink: (path) =>
    call("readlink", path, () => {
      const { inode } = host.at(path, false)
      if (inode.type !== "symlink") throw new Errno("EINVAL")
      return inode.target
    }),
  realPath: (path) => call("realpath", path, () => host.table.pathOf(host.at(path))),
  rename: (from, to) => call("rename", from, (nowMs) => host.rename(from, to, nowMs)),
  removeFile: (path) => call("unlink", path, (nowMs) => host.removeFile(path, nowMs)),
  removeDirectory: (path) => call("rmdir", path, (nowMs) => host.removeDirectory(path, nowMs)),
  removeTree: (path) => call("removeTree", path, (nowMs) => host.removeTree(path, nowMs))
} satisfies Partial<HostFiles["Service"]>)

const properties = (host: MemoryHost) => {
  const owners = ownership(host)
  return {
    chmod: (path, mode) => call("chmod", path, () => owners.chmod(path, mode)),
    chown: (path, owner) => call("chown", path, () => owners.chown(path, owner, true)),
    lchown: (path, owner) => call("lchown", path, () => owners.chown(path, owner, false)),
    watch: (path) => watch(host, path),
    statfs: (path) =>
      call("statfs", path, () => {
        const { fs } = host.at(path).inode
        return {
          totalBytes: fs.bytes,
          availableBytes: Math.max(0, fs.bytes - fs.usedBytes),
          inodes: fs.inodes,
          inodesFree: Math.max(0, fs.inodes - fs.usedInodes),
          device: fs.dev
        }
      }),
    diskUsage: (path) => call("diskUsage", path, () => diskUsage(host.at(path, false).inode)),
    openBeneath: (root, relative, options) =>
      Effect.acquireRelease(
        call("openBeneath", `${root}/${relative}`, (nowMs) =>
          openBeneath(host, root, relative, options?.create?.mode, nowMs)),
        ({ pin }) =>
          Effect.sync(() =>
            host.table.unpin(pin)
          )
      ).pipe(Effect.map(({ pin, stat }) => ({ path: `/proc/1/fd/${pin}`, stat })))
  } satisfies Partial<HostFiles["Service"]>
}

export const layer = (host: MemoryHost): Layer.Layer<HostFiles> =>
  Layer.succeed(HostFiles, HostFiles.of({ ...contents(host), ...entries(host), ...properties(host) }))
