/**
 * Clears away the folders of pods that no source names and no container runs of: what agents before this one left, and
 * pods that went while it was down (parity G5). Volumes are taken down by what lies there; a folder with anything still
 * mounted in it stays, and is told of once.
 */
import { Effect, FiberMap } from "effect"
import { podDir } from "../../domain/volumes/volumePaths.ts"
import { HostFiles } from "../../layers/host/HostFiles.ts"
import { PodRegistry } from "../pods/PodRegistry.ts"
import { pacedRounds } from "../rounds.ts"
import { RuntimeView } from "../runtime/RuntimeView.ts"
import { supervise } from "../supervise.ts"
import { PodVolumes } from "./PodVolumes.ts"
import { VolumeHost } from "./VolumeHost.ts"

/** Pods take their own folders with them; this finds what is left over, so it need not look often. */
const quietMs = 60_000
/** While there is something left over: what it belonged to may still run. */
const againMs = 10_000

/** Runs for ever. The runtime must have been listed once before, or running pods would look like orphans. */
export const orphanFolders = Effect.gen(function*() {
  const files = yield* HostFiles
  const registry = yield* PodRegistry
  const runtime = yield* RuntimeView
  const volumes = yield* PodVolumes
  const { rootDir } = yield* VolumeHost
  const fibers = yield* FiberMap.make<string, void>()
  const told = new Set<string>()

  const clear = Effect.fnUntraced(function*(uid: string) {
    // Waits for as long as it takes: a volume that cannot be unmounted holds up nobody else.
    yield* volumes.release(uid)
    yield* files.removeTree(podDir(rootDir, uid))
    told.delete(uid)
  }, (effect, uid) =>
    Effect.catch(effect, (error) => {
      if (told.has(uid)) return Effect.void
      told.add(uid)
      return Effect.logWarning(`orphaned pod ${uid}: its folder cannot be removed`, error)
    }))

  const round = Effect.gen(function*() {
    if (!(yield* registry.allSourcesHeard)) return againMs
    const asked = yield* registry.has
    const unasked = (yield* volumes.onDisk).filter((uid) => !asked(uid))
    if (unasked.length === 0) return quietMs
    const running = new Set((yield* runtime.pods).map(({ uid }) => uid))
    const orphans = unasked.filter((uid) => !running.has(uid))
    yield* Effect.forEach(orphans, (uid) => FiberMap.run(fibers, uid, clear(uid), { onlyIfMissing: true }), {
      discard: true
    })
    return againMs
  })

  return yield* supervise("orphaned pod folders", pacedRounds(round))
}).pipe(Effect.scoped)
