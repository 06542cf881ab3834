/** Gives a volume's tree to the pod's fsGroup (parity I10): files and directories get the group and its bits. */
import { Effect } from "effect"
import { groupMode, rootMatches } from "../../domain/volumes/ownership.ts"
import { type HostFileError, HostFiles } from "../../layers/host/HostFiles.ts"

export interface Ownership {
  readonly fsGroup: number
  readonly readOnly: boolean
  /** `fsGroupChangePolicy: OnRootMismatch`. */
  readonly onRootMismatch: boolean
}

const give = (path: string, ownership: Ownership): Effect.Effect<void, HostFileError, HostFiles> =>
  Effect.gen(function*() {
    const files = yield* HostFiles
    const stat = yield* files.lstat(path)
    const directory = stat.type === "directory"
    // Children first: a root that matches then tells that the whole tree was done (OnRootMismatch).
    if (directory) {
      const names = yield* files.readDirectory(path)
      yield* Effect.forEach(names, (name) => give(`${path}/${name}`, ownership), { discard: true, concurrency: 8 })
    }
    yield* files.lchown(path, { gid: ownership.fsGroup })
    if (stat.type === "symlink") return
    yield* files.chmod(path, groupMode(stat.mode, { directory, readOnly: ownership.readOnly }))
  })

export const applyOwnership = Effect.fn("applyOwnership")(function*(path: string, ownership: Ownership) {
  const files = yield* HostFiles
  if (ownership.onRootMismatch && rootMatches(yield* files.lstat(path), ownership.fsGroup, ownership)) return
  yield* give(path, ownership)
})
