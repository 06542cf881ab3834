/** How much a pod's volumes hold and could hold (parity I19). Measured when asked: callers decide how often. */
import { Effect } from "effect"
import type { Pod } from "../../domain/k8s/pod.ts"
import { HostFiles } from "../../layers/host/HostFiles.ts"
import { CsiVolumes } from "./CsiVolumes.ts"
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

type Measure = "tree" | "fileSystem" | "driver" | "nothing"

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
    case "Csi":
    case "CsiInline":
      return "driver"
    default:
      // The node's own paths are nobody's volume, images are the runtime's.
      return "nothing"
  }
}

const isEphemeral = ({ volume: { source } }: UpVolume): boolean =>
  (source._tag === "EmptyDir" && source.medium === "") || (source._tag === "Content" && !source.inMemory)

const asked = Effect.fnUntraced(function*({ hostPath, volume }: UpVolume, pod: Pod) {
  const drivers = yield* CsiVolumes
  const told = yield* drivers.usage({ pod, volume, hostPath })
  if (told === undefined) return []
  const usage: VolumeUsage = {
    name: volume.name,
    claimName: volume.claimName,
    capacityBytes: told.bytes.total,
    availableBytes: told.bytes.available,
    usedBytes: told.bytes.used,
    inodes: told.inodes.total,
    inodesFree: told.inodes.available,
    inodesUsed: told.inodes.used,
    ephemeral: false,
    sizeLimitBytes: undefined
  }
  return [usage]
})

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
  return [usage]
})

/** Volumes that vanish or fail while they are measured are left out, and told of. */
export const volumeUsage = Effect.fn("volumeUsage")(function*(up: ReadonlyMap<string, UpVolume>, pod: Pod) {
  const measured = yield* Effect.forEach(
    [...up.values()].filter((one) => measureOf(one) !== "nothing"),
    (one) =>
      Effect.gen(function*() {
        return measureOf(one) === "driver" ? yield* asked(one, pod) : yield* measure(one)
      }).pipe(
        Effect.catch((error) => Effect.as(Effect.logDebug(`volume ${one.volume.name} cannot be measured`, error), []))
      ),
    { concurrency: 4 }
  )
  return measured.flat()
})
