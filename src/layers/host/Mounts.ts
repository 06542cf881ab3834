/** The node's mount table: reading it and changing it. */
import { Context, type Effect, Schema } from "effect"
import { Failure } from "../../domain/failure.ts"

/** A mount or unmount failed. `code` is the errno name where one is known, else empty. */
export class MountError extends Schema.TaggedError<MountError>()("MountError", {
  op: Schema.String,
  target: Schema.String,
  reason: Failure,
  code: Schema.String,
  detail: Schema.String,
  cause: Schema.optionalKey(Schema.Defect())
}) {
  override get message(): string {
    return `${this.op} ${this.target}: ${this.detail}`
  }
}

/** One line of /proc/self/mountinfo. */
export interface MountEntry {
  readonly id: number
  readonly parentId: number
  /** `major:minor`. */
  readonly device: string
  /** The path inside the file system that is mounted: not `/` for a bind mount of a subdirectory. */
  readonly root: string
  readonly mountPoint: string
  readonly options: ReadonlyArray<string>
  /** `shared:<n>`, `master:<n>`, …: empty for a private mount. */
  readonly propagation: ReadonlyArray<string>
  readonly fsType: string
  readonly source: string
  readonly superOptions: ReadonlyArray<string>
}

export type Propagation = "private" | "slave" | "shared" | "rprivate" | "rslave" | "rshared"

export interface MountRequest {
  readonly source: string
  readonly target: string
  /** Empty: let the system find out. */
  readonly fsType: string
  /** `ro`, `noexec`, `size=8192k`, … */
  readonly options: ReadonlyArray<string>
}

export interface BindRequest {
  readonly source: string
  readonly target: string
  readonly readOnly?: boolean
  /** Mounts below the source come along. */
  readonly recursive?: boolean
  readonly propagation?: Propagation
}

export class Mounts extends Context.Service<Mounts, {
  /** The table in mount order: of two entries on one mount point the later hides the earlier. */
  readonly list: Effect.Effect<ReadonlyArray<MountEntry>, MountError>
  /** Not repeatable: a second call stacks a second mount. A deadline that passes fails `Uncertain`: look at `list`. */
  readonly mount: (request: MountRequest) => Effect.Effect<void, MountError>
  /**
   * Makes a file or directory visible at an existing target of its kind. When a later step (read-only, propagation)
   * fails the bind is taken back. Not repeatable, as `mount`.
   */
  readonly bind: (request: BindRequest) => Effect.Effect<void, MountError>
  /** Changes the options of a mount in place. */
  readonly remount: (target: string, options: ReadonlyArray<string>) => Effect.Effect<void, MountError>
  /**
   * Removes the topmost mount of the target; fails with `NotFound` when nothing is mounted there. A busy one fails
   * `Retryable` with `EBUSY`, unless `lazy` detaches it at once. `force` aborts requests to an unreachable server.
   */
  readonly unmount: (
    target: string,
    options?: { readonly lazy?: boolean; readonly force?: boolean }
  ) => Effect.Effect<void, MountError>
  /** Makes the directory a shared mount point, by a bind onto itself where it is no mount point; repeatable. */
  readonly makeShared: (target: string) => Effect.Effect<void, MountError>
  /** True also for bind mounts within one file system. False for what does not exist. */
  readonly isMountPoint: (path: string) => Effect.Effect<boolean, MountError>
}>()("kubeffect/layers/host/Mounts") {}
