/** The real file system through `node:fs`. */
import { Cause, Effect, Layer, Queue, Stream } from "effect"
import { constants, readFileSync, type Stats, watch as watchPath } from "node:fs"
import * as fs from "node:fs/promises"
import { basename, dirname, join } from "node:path"
import { fileError } from "./errno.ts"
import {
  type FileOwner,
  type FileStat,
  type FileType,
  type HostFileError,
  HostFiles,
  type WriteOptions
} from "./HostFiles.ts"
import { fileCall } from "./live/fileCall.ts"
import { openBeneath } from "./live/openBeneath.ts"
import { diskUsage, removeTree } from "./live/tree.ts"

/** Walks of big trees may take long; they stop at once when interrupted. */
const treeDeadlineMs = 600_000

const typeOf = (stat: Stats): FileType =>
  stat.isFile()
    ? "file"
    : stat.isDirectory()
    ? "directory"
    : stat.isSymbolicLink()
    ? "symlink"
    : stat.isSocket()
    ? "socket"
    : stat.isFIFO()
    ? "fifo"
    : stat.isCharacterDevice()
    ? "charDevice"
    : stat.isBlockDevice()
    ? "blockDevice"
    : "unknown"

const toFileStat = (stat: Stats): FileStat => ({
  type: typeOf(stat),
  mode: stat.mode & 0o7777,
  uid: stat.uid,
  gid: stat.gid,
  sizeBytes: stat.size,
  mtimeMs: stat.mtimeMs,
  ino: stat.ino,
  dev: stat.dev,
  nlink: stat.nlink,
  rdev: stat.rdev
})

/** -1 leaves an id as it is. */
const ids = (owner: FileOwner): [number, number] => [owner.uid ?? -1, owner.gid ?? -1]

/** What the process takes from the modes of new entries; all of it where the kernel does not tell. */
const readUmask = (): number => {
  // `process.umask()` would change it for a moment.
  const line = /^Umask:\s*([0-7]+)$/m.exec(readFileSync("/proc/self/status", "utf8"))
  return Number.parseInt(line?.[1] ?? "777", 8)
}

/** Whether an entry that is made with the mode then has it: spares a call for every folder and file of every pod. */
const isWhole = (mode: number, umask: number): boolean => (mode & (umask | 0o7000)) === 0

/** What a new file is made with, and the mode that is left to be given: until then it is the agent's alone. */
const modesOf = ({ gid, mode = 0o644, uid }: WriteOptions, umask: number) =>
  uid === undefined && gid === undefined && isWhole(mode, umask)
    ? { first: mode, later: undefined }
    : { first: 0o600, later: mode }

/** Owner before mode: a change of owner clears the set-id bits. */
const settle = async (handle: fs.FileHandle, owner: FileOwner, mode: number | undefined) => {
  if (owner.uid !== undefined || owner.gid !== undefined) await handle.chown(...ids(owner))
  if (mode !== undefined) await handle.chmod(mode)
}

/** Whether the file was there already decides about its mode, so it is first tried to make it. */
const openToWrite = async (path: string, options: WriteOptions, umask: number) => {
  const { first, later } = modesOf(options, umask)
  try {
    return { handle: await fs.open(path, "wx", first), mode: later }
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "EEXIST") throw error
    return { handle: await fs.open(path, "w"), mode: options.mode }
  }
}

const writeFile = async (path: string, data: string | Uint8Array, options: WriteOptions, umask: number) => {
  const { handle, mode } = await openToWrite(path, options, umask)
  try {
    await settle(handle, options, mode)
    if (data.length > 0) await handle.writeFile(data)
  } finally {
    await handle.close()
  }
}

let writes = 0

const writeFileAtomic = async (path: string, data: string | Uint8Array, options: WriteOptions = {}) => {
  // Of this write alone: one that was given up may still be under way when the next begins.
  const temporary = join(dirname(path), `.${basename(path)}.${process.pid}.${++writes}.new`)
  const handle = await fs.open(temporary, "w", 0o600)
  try {
    await settle(handle, options, options.mode ?? 0o644)
    await handle.writeFile(data)
    await handle.sync()
  } catch (error) {
    await fs.unlink(temporary)
    throw error
  } finally {
    await handle.close()
  }
  await fs.rename(temporary, path)
  const directory = await fs.open(dirname(path), "r")
  await directory.sync().finally(() => directory.close())
}

const writeInto = async (path: string, data: string) => {
  const handle = await fs.open(path, constants.O_WRONLY)
  await handle.writeFile(data).finally(() => handle.close())
}

const readRange = async (path: string, offsetBytes: number, lengthBytes: number) => {
  const handle = await fs.open(path, "r")
  try {
    const buffer = new Uint8Array(lengthBytes)
    let filled = 0
    while (filled < lengthBytes) {
      const { bytesRead } = await handle.read(buffer, filled, lengthBytes - filled, offsetBytes + filled)
      if (bytesRead === 0) break
      filled += bytesRead
    }
    return buffer.subarray(0, filled)
  } finally {
    await handle.close()
  }
}

const readTail = async (path: string, maxBytes: number) => {
  const { size } = await fs.stat(path)
  return readRange(path, Math.max(0, size - maxBytes), Math.min(maxBytes, size))
}

const makeDirectory = async (path: string, mode: number, recursive: boolean, umask: number) => {
  const made = await fs.mkdir(path, { mode, recursive })
  if (isWhole(mode, umask) || (recursive && made === undefined)) return
  // `mkdir` obeys the umask and ignores set-id bits, but for the one that the parent hands down.
  for (let at = path;; at = dirname(at)) {
    await fs.chmod(at, mode | ((await fs.stat(at)).mode & 0o2000))
    if (!recursive || at === made) return
  }
}

/** One descriptor for the watch; a hint only says "look again", so one pending hint is enough. */
const watch = (path: string): Stream.Stream<void, HostFileError> =>
  Stream.callback<void, HostFileError>((queue) =>
    Effect.gen(function*() {
      const fail = (code: string, cause?: unknown) =>
        Queue.failCauseUnsafe(queue, Cause.fail(fileError("watch", path, code, { cause })))
      const { ino } = yield* fileCall("watch", path, () => fs.stat(path))
      yield* Effect.acquireRelease(
        Effect.try({
          try: () =>
            watchPath(path, { persistent: false }, (event) => {
              Queue.offerUnsafe(queue, undefined)
              if (event !== "rename") return
              fs.stat(path).then(
                (now) => (now.ino === ino ? undefined : fail("ENOENT")),
                (cause: NodeJS.ErrnoException) => fail(cause.code ?? "", cause)
              )
            }).on("error", (cause: NodeJS.ErrnoException) => fail(cause.code ?? "", cause)),
          catch: (cause) => fileError("watch", path, (cause as NodeJS.ErrnoException).code ?? "", { cause })
        }),
        (watcher) => Effect.sync(() => watcher.close())
      )
      Queue.offerUnsafe(queue, undefined)
    }), { bufferSize: 1, strategy: "sliding" })

const statfs = async (path: string) => {
  const [usage, stat] = await Promise.all([fs.statfs(path), fs.stat(path)])
  return {
    totalBytes: usage.blocks * usage.bsize,
    availableBytes: usage.bavail * usage.bsize,
    inodes: usage.files,
    inodesFree: usage.ffree,
    device: stat.dev
  }
}

const pin = (root: string, relative: string, createMode: number | undefined) =>
  Effect.acquireRelease(
    fileCall("openBeneath", join(root, relative), () => openBeneath(root, relative, createMode)),
    ({ handle }) => Effect.promise(() => handle.close())
  ).pipe(
    Effect.map(({ handle, stat }) => ({ path: `/proc/${process.pid}/fd/${handle.fd}`, stat: toFileStat(stat) }))
  )

export const layer: Layer.Layer<HostFiles> = Layer.sync(HostFiles, () => {
  const umask = readUmask()
  return HostFiles.of({
    readFile: (path) => fileCall("read", path, () => fs.readFile(path)),
    readText: (path) => fileCall("read", path, () => fs.readFile(path, "utf8")),
    readRange: (path, range) => fileCall("read", path, () => readRange(path, range.offsetBytes, range.lengthBytes)),
    readTail: (path, maxBytes) => fileCall("read", path, () => readTail(path, maxBytes)),
    writeFile: (path, data, options) => fileCall("write", path, () => writeFile(path, data, options ?? {}, umask)),
    writeFileAtomic: (path, data, options) => fileCall("write", path, () => writeFileAtomic(path, data, options)),
    writeInto: (path, data) => fileCall("write", path, () => writeInto(path, data)),
    append: (path, data) => fileCall("append", path, () => fs.appendFile(path, data)),
    makeDirectory: (path, options) =>
      fileCall("mkdir", path, () => makeDirectory(path, options?.mode ?? 0o755, options?.recursive ?? false, umask)),
    readDirectory: (path) => fileCall("readdir", path, () => fs.readdir(path).then((names) => names.sort())),
    exists: (path) =>
      fileCall("stat", path, () => fs.lstat(path)).pipe(
        Effect.as(true),
        Effect.catchReason("HostFileError", "NotFound", () => Effect.succeed(false))
      ),
    stat: (path) => fileCall("stat", path, () => fs.stat(path).then(toFileStat)),
    statAll: (paths) =>
      fileCall("stat", "", () => Promise.all(paths.map((path) => fs.stat(path).then(toFileStat, () => undefined)))),
    lstat: (path) => fileCall("lstat", path, () => fs.lstat(path).then(toFileStat)),
    symlink: (target, path) => fileCall("symlink", path, () => fs.symlink(target, path)),
    readLink: (path) => fileCall("readlink", path, () => fs.readlink(path)),
    realPath: (path) => fileCall("realpath", path, () => fs.realpath(path)),
    rename: (from, to) => fileCall("rename", from, () => fs.rename(from, to)),
    removeFile: (path) => fileCall("unlink", path, () => fs.unlink(path)),
    removeDirectory: (path) => fileCall("rmdir", path, () => fs.rmdir(path)),
    removeTree: (path) => fileCall("removeTree", path, (signal) => removeTree(path, signal), treeDeadlineMs),
    chmod: (path, mode) => fileCall("chmod", path, () => fs.chmod(path, mode)),
    chown: (path, owner) => fileCall("chown", path, () => fs.chown(path, ...ids(owner))),
    lchown: (path, owner) => fileCall("lchown", path, () => fs.lchown(path, ...ids(owner))),
    watch,
    statfs: (path) => fileCall("statfs", path, () => statfs(path)),
    diskUsage: (path) => fileCall("diskUsage", path, (signal) => diskUsage(path, signal), treeDeadlineMs),
    openBeneath: (root, relative, options) => pin(root, relative, options?.create?.mode)
  })
})
