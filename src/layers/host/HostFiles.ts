/**
 * The node's file system: every read and change the agent makes to a path goes through here.
 * Paths are absolute. Modes are the twelve permission bits; a mode given is the mode the entry has afterwards, whatever
 * the process's umask. A directory has its parent's set-group-id bit besides; where a default ACL is, that limits modes.
 */
import { Context, type Effect, Schema, type Scope, type Stream } from "effect"
import { Failure } from "../../domain/failure.ts"

/** A call on a path failed. `code` is the errno name (`ENOENT`, `ENOSPC`, …), empty when no system call was refused. */
export class HostFileError extends Schema.TaggedError<HostFileError>()("HostFileError", {
  op: Schema.String,
  path: Schema.String,
  reason: Failure,
  code: Schema.String,
  detail: Schema.String,
  cause: Schema.optionalKey(Schema.Defect())
}) {
  override get message(): string {
    return `${this.op} ${this.path}: ${this.detail}`
  }
}

export type FileType = "file" | "directory" | "symlink" | "socket" | "fifo" | "charDevice" | "blockDevice" | "unknown"

export interface FileStat {
  readonly type: FileType
  /** Permission bits, set-id and sticky included: `0o7777` at most. */
  readonly mode: number
  readonly uid: number
  readonly gid: number
  readonly sizeBytes: number
  readonly mtimeMs: number
  readonly ino: number
  /** Device id: differs between a directory and what is mounted on a child of it. */
  readonly dev: number
  readonly nlink: number
  /** Device number of a device node. */
  readonly rdev: number
}

export interface FileOwner {
  readonly uid?: number
  readonly gid?: number
}

export interface WriteOptions extends FileOwner {
  /** 0644 when absent. */
  readonly mode?: number
}

export interface FsUsage {
  readonly totalBytes: number
  /** What an unprivileged writer may still use. */
  readonly availableBytes: number
  readonly inodes: number
  readonly inodesFree: number
  /** Equal for two paths exactly when they lie on one file system. */
  readonly device: number
}

export interface TreeUsage {
  readonly bytes: number
  readonly inodes: number
}

/** A path pinned by an open descriptor: it goes on naming the same file however the tree is changed. */
export interface PinnedPath {
  /** `/proc/<pid>/fd/<n>`: usable by this process and as the source of a bind mount. */
  readonly path: string
  readonly stat: FileStat
}

export class HostFiles extends Context.Service<HostFiles, {
  readonly readFile: (path: string) => Effect.Effect<Uint8Array, HostFileError>
  /** UTF-8; invalid bytes become U+FFFD. Right for files of /proc and /sys, whose size is reported as 0. */
  readonly readText: (path: string) => Effect.Effect<string, HostFileError>
  /** At most `lengthBytes` from `offsetBytes`; shorter at the end of the file. */
  readonly readRange: (
    path: string,
    range: { readonly offsetBytes: number; readonly lengthBytes: number }
  ) => Effect.Effect<Uint8Array, HostFileError>
  /** The last `maxBytes` of the file, or all of it. */
  readonly readTail: (path: string, maxBytes: number) => Effect.Effect<Uint8Array, HostFileError>
  /** Creates or truncates. Not atomic: a crash may leave a part. */
  readonly writeFile: (
    path: string,
    data: string | Uint8Array,
    options?: WriteOptions
  ) => Effect.Effect<void, HostFileError>
  /** Replaces the file in one step and on stable storage: readers see the old content or the new, also after a crash. */
  readonly writeFileAtomic: (
    path: string,
    data: string | Uint8Array,
    options?: WriteOptions
  ) => Effect.Effect<void, HostFileError>
  /** Writes into an existing file without creating or truncating it, as files of /proc, /sys and cgroups want it. */
  readonly writeInto: (path: string, data: string) => Effect.Effect<void, HostFileError>
  readonly append: (path: string, data: string | Uint8Array) => Effect.Effect<void, HostFileError>
  /** With `recursive` parents are made too and an existing directory is a success (its mode is left alone). */
  readonly makeDirectory: (
    path: string,
    options?: { readonly mode?: number; readonly recursive?: boolean }
  ) => Effect.Effect<void, HostFileError>
  /** Names of the entries, sorted. */
  readonly readDirectory: (path: string) => Effect.Effect<ReadonlyArray<string>, HostFileError>
  readonly exists: (path: string) => Effect.Effect<boolean, HostFileError>
  /** Follows symbolic links. */
  readonly stat: (path: string) => Effect.Effect<FileStat, HostFileError>
  /** `stat` of many paths in one call, in their order; undefined for each on which it would fail. */
  readonly statAll: (paths: ReadonlyArray<string>) => Effect.Effect<ReadonlyArray<FileStat | undefined>, HostFileError>
  readonly lstat: (path: string) => Effect.Effect<FileStat, HostFileError>
  /** Makes a symbolic link at `path` that holds `target` as it is. */
  readonly symlink: (target: string, path: string) => Effect.Effect<void, HostFileError>
  readonly readLink: (path: string) => Effect.Effect<string, HostFileError>
  readonly realPath: (path: string) => Effect.Effect<string, HostFileError>
  /** Replaces `to` in one step when it exists. */
  readonly rename: (from: string, to: string) => Effect.Effect<void, HostFileError>
  /** Removes anything but a directory. What is gone already fails with `NotFound`. */
  readonly removeFile: (path: string) => Effect.Effect<void, HostFileError>
  /** Removes an empty directory. */
  readonly removeDirectory: (path: string) => Effect.Effect<void, HostFileError>
  /**
   * Removes the tree; absence is a success. Never enters or removes what lies on another file system than `path`'s
   * parent, nor any mount point: it then fails with code `EXDEV` or `EBUSY`, names the mount and leaves it whole.
   */
  readonly removeTree: (path: string) => Effect.Effect<void, HostFileError>
  /** Follows symbolic links. */
  readonly chmod: (path: string, mode: number) => Effect.Effect<void, HostFileError>
  /** Follows symbolic links; an absent id stays. */
  readonly chown: (path: string, owner: FileOwner) => Effect.Effect<void, HostFileError>
  readonly lchown: (path: string, owner: FileOwner) => Effect.Effect<void, HostFileError>
  /**
   * Hints that something in the directory (or the file) changed: may be late, merged or spurious. The first hint comes
   * once the watch is in place, so that "watch, then read at each hint" misses nothing. Fails when the path goes away.
   */
  readonly watch: (path: string) => Stream.Stream<void, HostFileError>
  readonly statfs: (path: string) => Effect.Effect<FsUsage, HostFileError>
  /** Blocks used and entries of the tree on the file system of `path`; hard links count once, mounts are not entered. */
  readonly diskUsage: (path: string) => Effect.Effect<TreeUsage, HostFileError>
  /**
   * Opens `relative` below `root` following no symbolic link in any of its components, and pins it until the scope
   * ends. With `create`, missing directories are made with that mode. A link, `..` or an absolute path is refused:
   * `Permanent`, code `ELOOP` or `EINVAL`.
   */
  readonly openBeneath: (
    root: string,
    relative: string,
    options?: { readonly create?: { readonly mode: number } }
  ) => Effect.Effect<PinnedPath, HostFileError, Scope.Scope>
}>()("kubeffect/layers/host/HostFiles") {}
