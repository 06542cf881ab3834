/** The pieces of the in-memory file system: entries, and the file systems that hold and count them. */
import { errnoText } from "../errno.ts"
import type { FileType } from "../HostFiles.ts"

/** A refusal as the kernel would give it. */
export class Errno extends Error {
  readonly code: string
  constructor(code: string, detail?: string) {
    super(detail ?? errnoText(code))
    this.code = code
  }
}

export interface Watcher {
  readonly changed: () => void
  readonly gone: () => void
}

/** One entry of a tree. There are no hard links, so an entry knows its place. */
export interface Inode {
  readonly ino: number
  readonly fs: MemoryFs
  readonly type: FileType
  mode: number
  uid: number
  gid: number
  mtimeMs: number
  rdev: number
  /** Of a file. */
  data: Uint8Array
  /** Of a symbolic link. */
  readonly target: string
  /** Of a directory. */
  entries: Map<string, Inode>
  parent: Inode | undefined
  name: string
  /** None until somebody watches: most entries are never watched. */
  watchers: Set<Watcher> | undefined
}

export interface InodeSpec {
  readonly type: FileType
  readonly mode: number
  readonly mtimeMs: number
  readonly target?: string
}

const noData = new Uint8Array(0)
/** Of everything below which nothing has been put yet; never filled. */
const noEntries = new Map<string, Inode>()
const blockBytes = 4096

/** A file system with room for so many bytes and entries; what it holds is counted in whole blocks. */
export class MemoryFs {
  readonly dev: number
  readonly fsType: string
  readonly source: string
  readonly superOptions: ReadonlyArray<string>
  readonly root: Inode
  bytes: number
  inodes: number
  usedBytes = 0
  usedInodes = 0
  #nextIno = 1

  constructor(spec: {
    readonly dev: number
    readonly fsType: string
    readonly source: string
    readonly superOptions: ReadonlyArray<string>
    readonly bytes: number
    readonly inodes: number
    readonly rootMode: number
    readonly mtimeMs: number
  }) {
    this.dev = spec.dev
    this.fsType = spec.fsType
    this.source = spec.source
    this.superOptions = spec.superOptions
    this.bytes = spec.bytes
    this.inodes = spec.inodes
    this.root = this.make({ type: "directory", mode: spec.rootMode, mtimeMs: spec.mtimeMs })
  }

  make(spec: InodeSpec): Inode {
    if (this.usedInodes >= this.inodes) throw new Errno("ENOSPC")
    this.usedInodes += 1
    return {
      ino: this.#nextIno++,
      fs: this,
      type: spec.type,
      mode: spec.mode & 0o7777,
      uid: 0,
      gid: 0,
      mtimeMs: spec.mtimeMs,
      rdev: 0,
      data: noData,
      target: spec.target ?? "",
      entries: noEntries,
      parent: undefined,
      name: "",
      watchers: undefined
    }
  }

  /** Gives a file its content, or refuses and leaves the old. */
  fill(inode: Inode, data: Uint8Array, nowMs: number): void {
    const grown = blocks(data) - blocks(inode.data)
    if (grown > 0 && this.usedBytes + grown > this.bytes) throw new Errno("ENOSPC")
    this.usedBytes += grown
    inode.data = data
    inode.mtimeMs = nowMs
  }

  drop(inode: Inode): void {
    this.usedBytes -= blocks(inode.data)
    this.usedInodes -= 1
  }
}

export const blocks = (data: Uint8Array): number => Math.ceil(data.byteLength / blockBytes) * blockBytes

/** Tells those who watch the entry or the directory it lies in. */
export const notify = (inode: Inode): void => {
  for (const watcher of inode.watchers ?? []) watcher.changed()
  for (const watcher of inode.parent?.watchers ?? []) watcher.changed()
}

export const link = (parent: Inode, name: string, child: Inode, nowMs: number): void => {
  if (parent.entries === noEntries) parent.entries = new Map()
  parent.entries.set(name, child)
  child.parent = parent
  child.name = name
  parent.mtimeMs = nowMs
  notify(child)
}

export const unlink = (child: Inode, nowMs: number): void => {
  const parent = child.parent
  if (parent === undefined) return
  parent.entries.delete(child.name)
  parent.mtimeMs = nowMs
  for (const watcher of child.watchers ?? []) watcher.gone()
  for (const watcher of parent.watchers ?? []) watcher.changed()
}
