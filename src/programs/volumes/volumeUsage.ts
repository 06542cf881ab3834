/** How much a pod's volumes hold and could hold (parity I19). Measured when asked: callers decide how often. */
import { Effect } from "effect"
import { HostFiles } from "../../layers/host/HostFiles.ts"
import type { UpVolume } from "./volumeLanes.ts"

export interface VolumeUsage {
  readonly name: string
  /** The claim behind it, in the pod's namespace. */
  readonly claimName: string | undefined
  readonly capacityBytes: number
  readonly availableBytes: number
  readonly usedBytes: number
  readonly inodes: number
  readonly inodesFree: number
  readonly inodesUsed: number
  /** It lies on the node's own disk and ends with the pod: it counts as ephemeral storage. */
  readonly ephemeral: boolean
  /** The most an emptyDir may hold before its pod is evicted. */
  readonly sizeLimitBytes: number | undefined
}

type Measure = "tree" | "fileSystem" | "nothing"

/** Files of a pod among others on one disk are counted one by one; a file system of its own knows its sum. */
const measureOf = ({ volume }: UpVolume): Measure => {
  if (volume.block) return "nothing"
  switch (volume.source._tag) {
    case "EmptyDir":
    case "Content":
      return "tree"
    case "Local":
    case "Nfs":
      return "fileSystem"
    default:
      // The node's own paths are nobody's volume, drivers answer for theirs, images are the runtime's.
      return "nothing"
  }
}

const isEphemeral = ({ volume: { source } }: UpVolume): boolean =>
  (source._tag === "EmptyDir" && source.medium === "") || (source._tag === "Content" && !source.inMemory)

const measure = Effect.fnUntraced(function*(up: UpVolume) {
  const files = yield* HostFiles
  const { hostPath, volume } = up
  const fs = yield* files.statfs(hostPath)
  const used = measureOf(up) === "tree"
    ? yield* files.diskUsage(hostPath)
    : { bytes: fs.totalBytes - fs.availableBytes, inodes: fs.inodes - fs.inodesFree }
  const usage: VolumeUsage = {
    name: volume.name,
    claimName: volume.claimName,
    capacityBytes: fs.totalBytes,
    availableBytes: fs.availableBytes,
    usedBytes: used.bytes,
    inodes: fs.inodes,
    inodesFree: fs.inodesFree,
    inodesUsed: used.inodes,
    ephemeral: isEphemeral(up),
    sizeLimitBytes: volume.source._tag === "EmptyDir" ? volume.source.sizeLimitBytes : undefined
  }
  return usage
})

/** Volumes that vanish or fail while they are measured are left out, and told of. */
export const volumeUsage = Effect.fn("volumeUsage")(function*(up: ReadonlyMap<string, UpVolume>) {
  const measured = yield* Effect.forEach(
    [...up.values()].filter((one) => measureOf(one) !== "nothing"),
    (one) =>
      measure(one).pipe(
        Effect.map((usage): ReadonlyArray<VolumeUsage> => [usage]),
        Effect.catch((error) => Effect.as(Effect.logDebug(`volume ${one.volume.name} cannot be measured`, error), []))
      ),
    { concurrency: 4 }
  )
  return measured.flat()
})
