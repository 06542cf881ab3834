/**
 * Unstages what no pod uses any more: an agent that was killed between a pod's last volume and the stage below it left
 * nobody behind who would (parity J7).
 */
import { Effect, Schedule } from "effect"
import { type CsiIdentity, uniqueName } from "../../domain/csi/csiPaths.ts"
import { VolumeHost } from "../volumes/VolumeHost.ts"
import { CsiLocks } from "./CsiLocks.ts"
import { unstageUnused, unstageUnusedBlock } from "./stages.ts"
import { stagedBlockVolumes, stagedFolders } from "./VolumesInUse.ts"

const roundMs = 10_000

const clear = Effect.fnUntraced(function*<E, R>(identity: CsiIdentity, unstage: Effect.Effect<void, E, R>) {
  const locks = yield* CsiLocks
  yield* locks.oneByOne(uniqueName(identity))(unstage).pipe(
    Effect.catch((error) => Effect.logWarning(`volume ${uniqueName(identity)} is not used, and stays staged`, error))
  )
})

const round = Effect.gen(function*() {
  const { rootDir } = yield* VolumeHost
  const staged = yield* stagedFolders(rootDir)
  const blocks = yield* stagedBlockVolumes(rootDir)
  yield* Effect.all([
    ...staged.map((volume) => clear(volume, unstageUnused(volume, volume.directory))),
    ...blocks.map((volume) => clear(volume, unstageUnusedBlock(volume, volume.specName)))
  ], { concurrency: 4, discard: true })
})

/** Runs for ever. */
export const sweepStages = Effect.repeat(round, Schedule.spaced(roundMs))
