/** Looks at what one pod has on the node: the folders of its volumes, and what is mounted there (parity I2). */
import { Effect } from "effect"
import type { FoundVolume, FoundVolumes } from "../../domain/volumes/plan.ts"
import { volumeFolders } from "../../domain/volumes/plan.ts"
import {
  blockDevicesDir,
  isWithin,
  podDir,
  podsDir,
  unescapePlugin,
  volumesDir
} from "../../domain/volumes/volumePaths.ts"
import { HostFiles } from "../../layers/host/HostFiles.ts"
import { Mounts } from "../../layers/host/Mounts.ts"
import { VolumeHost } from "./VolumeHost.ts"

/** Names in a directory; none where it does not exist. */
const namesIn = Effect.fnUntraced(function*(path: string) {
  const files = yield* HostFiles
  return yield* files.readDirectory(path).pipe(
    Effect.catchReason("HostFileError", "NotFound", () => Effect.succeed<ReadonlyArray<string>>([]))
  )
})

const volumesBelow = Effect.fnUntraced(function*(directory: string, block: boolean) {
  const found: Array<FoundVolume> = []
  for (const plugin of yield* namesIn(directory)) {
    for (const specName of yield* namesIn(`${directory}/${plugin}`)) {
      found.push({ plugin: unescapePlugin(plugin), specName, path: `${directory}/${plugin}/${specName}`, block })
    }
  }
  return found
})

export const findVolumes = Effect.fn("findVolumes")(function*(uid: string) {
  const { rootDir } = yield* VolumeHost
  const files = yield* HostFiles
  const mounts = yield* Mounts
  const table = yield* mounts.list
  const folders = yield* Effect.forEach(volumeFolders(rootDir, uid), files.exists)
  const found: FoundVolumes = {
    volumes: [
      ...(yield* volumesBelow(volumesDir(rootDir, uid), false)),
      ...(yield* volumesBelow(blockDevicesDir(rootDir, uid), true))
    ],
    mounts: table.filter(({ mountPoint }) => isWithin(mountPoint, podDir(rootDir, uid))),
    leftovers: folders.includes(true)
  }
  return found
})

/** UIDs of the pods that have a folder here. */
export const podsOnDisk = Effect.flatMap(VolumeHost, ({ rootDir }) => namesIn(podsDir(rootDir)))
