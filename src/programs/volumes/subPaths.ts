/**
 * A container's view of a part of a volume. The part is found with all links resolved, must lie inside the volume, is
 * opened without following any link, and what was opened (not what has its name by then) is bound to a place of the
 * agent's own, so that nobody inside the volume can turn it elsewhere (parity I11).
 */
import { Effect } from "effect"
import { isWithin } from "../../domain/volumes/volumePaths.ts"
import { HostFiles } from "../../layers/host/HostFiles.ts"
import { Mounts } from "../../layers/host/Mounts.ts"
import { because, refuse, VolumeError } from "./VolumeError.ts"

export interface SubPathWish {
  /** The volume's place on the node. */
  readonly volumePath: string
  /** Relative, without `..`. */
  readonly subPath: string
  readonly target: string
}

const parentOf = (path: string): string => path.slice(0, path.lastIndexOf("/"))

interface Resolved {
  /** Inside the volume, without links. */
  readonly existing: string
  /** What has to be made below it. */
  readonly missing: ReadonlyArray<string>
}

/** The longest part of the path that exists, links resolved. A link that leads nowhere is refused, not made real. */
const resolve = Effect.fnUntraced(function*(base: string, subPath: string) {
  const files = yield* HostFiles
  const names = subPath.split("/").filter((name) => name !== "" && name !== ".")
  for (let count = names.length; count > 0; count--) {
    const path = [base, ...names.slice(0, count)].join("/")
    const real = yield* files.realPath(path).pipe(
      Effect.map((found): string | undefined => found),
      Effect.catchReason("HostFileError", "NotFound", () => Effect.succeed(undefined))
    )
    if (real !== undefined) return { existing: real, missing: names.slice(count) } satisfies Resolved
    if (yield* isLink(path)) return yield* refuse(`${names.slice(0, count).join("/")} is a dangling symbolic link`)
  }
  return { existing: base, missing: names } satisfies Resolved
})

const isLink = Effect.fnUntraced(function*(path: string) {
  const files = yield* HostFiles
  return yield* files.lstat(path).pipe(
    Effect.map((stat) => stat.type === "symlink"),
    Effect.catchReason("HostFileError", "NotFound", () => Effect.succeed(false))
  )
})

/** Something to mount on: a directory for directories, an empty file for everything else. */
const makeTarget = Effect.fnUntraced(function*(target: string, directory: boolean) {
  const files = yield* HostFiles
  yield* files.makeDirectory(parentOf(target), { mode: 0o750, recursive: true })
  if (directory) yield* files.makeDirectory(target, { mode: 0o750, recursive: true })
  else yield* files.writeFile(target, "", { mode: 0o640 })
})

/** What an earlier start of the container left: kept when it shows the same file, taken away otherwise. */
const reusable = Effect.fnUntraced(function*(target: string, wanted: { readonly dev: number; readonly ino: number }) {
  const files = yield* HostFiles
  const mounts = yield* Mounts
  while (yield* mounts.isMountPoint(target)) {
    const { dev, ino } = yield* files.stat(target)
    if (dev === wanted.dev && ino === wanted.ino) return true
    yield* mounts.unmount(target)
  }
  yield* files.removeTree(target)
  return false
})

const outside = (subPath: string) => refuse(`subpath "${subPath}" is outside of its volume`)

/** Repeatable. Answers the place that the container is to mount. */
export const bindSubPath = Effect.fn("bindSubPath")(
  function*(wish: SubPathWish) {
    const files = yield* HostFiles
    const mounts = yield* Mounts
    const base = yield* files.realPath(wish.volumePath)
    const { existing, missing } = yield* resolve(base, wish.subPath)
    if (!isWithin(existing, base)) return yield* outside(wish.subPath)
    // Directories made on the way are as open as the volume is.
    const { mode } = yield* files.stat(base)
    const relative = [existing.slice(base.length + 1), ...missing].filter((part) => part !== "").join("/")
    const create = missing.length === 0 ? {} : { create: { mode: mode & 0o777 } }
    const pinned = yield* files.openBeneath(base, relative, create)
    if (yield* reusable(wish.target, pinned.stat)) return wish.target
    yield* makeTarget(wish.target, pinned.stat.type === "directory")
    yield* mounts.bind({ source: pinned.path, target: wish.target })
    return wish.target
  },
  Effect.scoped,
  Effect.mapError((error) => (error instanceof VolumeError ? error : because(error)))
)
