/**
 * Walks of whole trees on the real file system that stay on one mount. Directories are held open and entries named
 * through `/proc/self/fd`, so that a link swapped in during the walk leads nowhere.
 */
import { constants } from "node:fs"
import * as fs from "node:fs/promises"
import { basename, dirname, join } from "node:path"
import type { TreeUsage } from "../HostFiles.ts"
import { Refusal } from "./fileCall.ts"
import { parseMountInfo } from "./mountInfo.ts"

const directoryFlags = constants.O_RDONLY | constants.O_DIRECTORY | constants.O_NOFOLLOW

const byFd = (handle: fs.FileHandle): string => `/proc/self/fd/${handle.fd}`

/** The id of the mount an open file lies on: differs even between bind mounts of one file system. */
const mountIdOf = async (handle: fs.FileHandle): Promise<string> => {
  const info = await fs.readFile(`/proc/self/fdinfo/${handle.fd}`, "utf8")
  return /^mnt_id:\s*(\d+)/m.exec(info)?.[1] ?? ""
}

/** Mount points at or below the path, as the kernel names them. */
const mountsAt = async (realPath: string): Promise<ReadonlyArray<string>> =>
  parseMountInfo(await fs.readFile("/proc/self/mountinfo", "utf8"))
    .map((entry) => entry.mountPoint)
    .filter((point) => point === realPath || point.startsWith(`${realPath}/`))

const removeEntries = async (directory: fs.FileHandle, mountId: string, path: string, signal: AbortSignal) => {
  const here = byFd(directory)
  for (const entry of await fs.readdir(here, { withFileTypes: true })) {
    signal.throwIfAborted()
    if (!entry.isDirectory()) {
      await fs.unlink(join(here, entry.name))
      continue
    }
    await removeDirectoryTree(join(here, entry.name), mountId, join(path, entry.name), signal)
  }
}

const removeDirectoryTree = async (at: string, mountId: string, path: string, signal: AbortSignal): Promise<void> => {
  const directory = await fs.open(at, directoryFlags)
  try {
    if (await mountIdOf(directory) !== mountId) throw new Refusal("EXDEV", `${path} is a mount point`)
    await removeEntries(directory, mountId, path, signal)
  } finally {
    await directory.close()
  }
  await fs.rmdir(at)
}

/** See `HostFiles.removeTree`. */
export const removeTree = async (path: string, signal: AbortSignal): Promise<void> => {
  const found = await fs.lstat(path).catch((error: NodeJS.ErrnoException) => {
    if (error.code === "ENOENT") return undefined
    throw error
  })
  if (found === undefined) return
  const real = join(await fs.realpath(dirname(path)), basename(path))
  const [mount] = await mountsAt(real)
  if (mount !== undefined) throw new Refusal(mount === real ? "EBUSY" : "EXDEV", `${mount} is a mount point`)
  if (!found.isDirectory()) return fs.unlink(path)
  const parent = await fs.open(dirname(real), constants.O_RDONLY | constants.O_DIRECTORY)
  try {
    await removeDirectoryTree(join(byFd(parent), basename(real)), await mountIdOf(parent), path, signal)
  } finally {
    await parent.close()
  }
}

/** See `HostFiles.diskUsage`. What vanishes during the walk is not counted. */
export const diskUsage = async (path: string, signal: AbortSignal): Promise<TreeUsage> => {
  const root = await fs.lstat(path)
  const linked = new Set<number>()
  const usage = { bytes: root.blocks * 512, inodes: 1 }
  const pending = root.isDirectory() ? [path] : []
  for (let directory = pending.pop(); directory !== undefined; directory = pending.pop()) {
    signal.throwIfAborted()
    for (const name of await fs.readdir(directory).catch(absent)) {
      const child = join(directory, name)
      const stat = await fs.lstat(child).catch(absent)
      if (Array.isArray(stat) || stat.dev !== root.dev || linked.has(stat.ino)) continue
      if (stat.isDirectory()) pending.push(child)
      else if (stat.nlink > 1) linked.add(stat.ino)
      usage.bytes += stat.blocks * 512
      usage.inodes += 1
    }
  }
  return usage
}

const absent = (error: NodeJS.ErrnoException): Array<never> => {
  if (error.code === "ENOENT" || error.code === "ENOTDIR") return []
  throw error
}
