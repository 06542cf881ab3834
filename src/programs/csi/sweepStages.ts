/**
 * Unstages what no pod uses any more: an agent that was killed between a pod's last volume and the stage below it left
 * nobody behind who would (parity J7).
 */
import { Effect, Ref } from "effect"
import { csiDir, type CsiIdentity, uniqueName } from "../../domain/csi/csiPaths.ts"
import { type HostFileError, HostFiles } from "../../layers/host/HostFiles.ts"
import { pacedRounds } from "../rounds.ts"
import { VolumeHost } from "../volumes/VolumeHost.ts"
import { CsiLocks } from "./CsiLocks.ts"
import { unstageUnused, unstageUnusedBlock } from "./stages.ts"
import { removeUnfinished } from "./volumeFiles.ts"
import { namelessFolders, stagedBlockVolumes, stagedFolders } from "./VolumesInUse.ts"

const roundMs = 10_000
/** While nothing was ever staged here. */
const quietMs = 60_000

const clear = Effect.fnUntraced(function*<E, R>(identity: CsiIdentity, unstage: Effect.Effect<void, E, R>) {
  const locks = yield* CsiLocks
  yield* locks.oneByOne(uniqueName(identity))(unstage).pipe(
    Effect.catch((error) => Effect.logWarning(`volume ${uniqueName(identity)} is not used, and stays staged`, error))
  )
})

/** Removes the empty folders in it. Whatever else lies there stays: it may be somebody's data. */
const removeEmptyTree = (directory: string): Effect.Effect<void, HostFileError, HostFiles> =>
  Effect.gen(function*() {
    const files = yield* HostFiles
    yield* removeUnfinished(directory)
    for (const name of yield* files.readDirectory(directory)) {
      const path = `${directory}/${name}`
      if ((yield* files.lstat(path)).type === "directory") yield* removeEmptyTree(path)
    }
    yield* files.removeDirectory(directory)
  })

/** What has no name in two rounds is nobody's: one that is being made gets its name in between. */
const clearNameless = Effect.fnUntraced(function*(rootDir: string, seen: Ref.Ref<ReadonlySet<string>>) {
  const now = yield* namelessFolders(rootDir)
  const before = yield* Ref.getAndSet(seen, new Set(now))
  yield* Effect.forEach(
    now.filter((directory) => before.has(directory)),
    (directory) =>
      removeEmptyTree(directory).pipe(
        Effect.catch((error) => Effect.logWarning(`${directory} belongs to no volume, and stays`, error))
      ),
    { discard: true }
  )
})

const round = Effect.fnUntraced(function*(seen: Ref.Ref<ReadonlySet<string>>) {
  const { rootDir } = yield* VolumeHost
  const files = yield* HostFiles
  // Most nodes never stage anything.
  if (!(yield* files.exists(csiDir(rootDir)))) {
    yield* Ref.set(seen, new Set())
    return quietMs
  }
  yield* clearNameless(rootDir, seen)
  const staged = yield* stagedFolders(rootDir)
  const blocks = yield* stagedBlockVolumes(rootDir)
  yield* Effect.all([
    ...staged.map((volume) => clear(volume, unstageUnused(volume, volume.directory))),
    ...blocks.map((volume) => clear(volume, unstageUnusedBlock(volume, volume.specName)))
  ], { concurrency: 4, discard: true })
  return roundMs
})

/** Runs for ever. */
export const sweepStages = Effect.flatMap(
  Ref.make<ReadonlySet<string>>(new Set()),
  (seen) => pacedRounds(round(seen))
)
