/** Makes one volume of a pod usable, whatever it is, and answers where it is on the node. */
import { Effect } from "effect"
import type { Pod } from "../../domain/k8s/pod.ts"
import type { DesiredVolume, VolumeSource } from "../../domain/volumes/desired.ts"
import { emptyDirBacking, memoryBacking } from "../../domain/volumes/emptyDirMount.ts"
import type { Payload } from "../../domain/volumes/payload.ts"
import { blockDevicePath, volumePath, type VolumePlace } from "../../domain/volumes/volumePaths.ts"
import { writeContent } from "./content.ts"
import { CsiVolumes } from "./CsiVolumes.ts"
import { setUpEmptyDir } from "./emptyDir.ts"
import { setUpHostPath } from "./hostPath.ts"
import { mapLocal, setUpLocal, setUpNfs } from "./mounted.ts"
import { because, refuse, VolumeError } from "./VolumeError.ts"
import { VolumeHost } from "./VolumeHost.ts"

export interface SetUpRequest {
  readonly pod: Pod
  readonly volume: DesiredVolume
  /** The files of a volume that the agent fills. */
  readonly payload: Payload | undefined
}

const fsGroupOf = (pod: Pod): number | undefined => pod.spec.securityContext?.fsGroup

const emptyDir = Effect.fnUntraced(function*(
  { pod }: SetUpRequest,
  source: VolumeSource & { _tag: "EmptyDir" },
  place: VolumePlace
) {
  const host = yield* VolumeHost
  const backing = yield* Effect.fromResult(emptyDirBacking(pod, source, yield* host.memory)).pipe(
    Effect.mapError(refuse)
  )
  return yield* setUpEmptyDir({ place, backing, fsGroup: fsGroupOf(pod), wrapped: false })
})

const content = Effect.fnUntraced(function*(
  { payload, pod }: SetUpRequest,
  source: VolumeSource & { _tag: "Content" },
  place: VolumePlace
) {
  const host = yield* VolumeHost
  const backing = source.inMemory ? memoryBacking(pod, undefined, yield* host.memory) : undefined
  const path = yield* setUpEmptyDir({ place, backing, fsGroup: fsGroupOf(pod), wrapped: true })
  yield* writeContent(path, payload ?? new Map(), fsGroupOf(pod))
  return path
})

const csi = Effect.fnUntraced(function*({ pod, volume }: SetUpRequest, path: string) {
  const drivers = yield* CsiVolumes
  return (yield* drivers.setUp({ pod, volume, path })).hostPath
})

/** Repeatable: what is in place stays, what is half done is finished. */
export const setUp = Effect.fn("setUpVolume")(function*(request: SetUpRequest) {
  const { pod, volume } = request
  const { rootDir } = yield* VolumeHost
  const place = { rootDir, uid: pod.metadata.uid, plugin: volume.plugin, specName: volume.specName }
  const path = volume.block ? blockDevicePath(place) : volumePath(place)
  const { source } = volume
  switch (source._tag) {
    case "EmptyDir":
      return yield* emptyDir(request, source, place)
    case "Content":
      return yield* content(request, source, place)
    case "HostPath":
      return yield* setUpHostPath(source)
    case "Local":
      return yield* (volume.block ? mapLocal : setUpLocal)({ pod, volume, source, path })
    case "Nfs":
      return yield* setUpNfs({ pod, volume, source, path })
    case "Csi":
    case "CsiInline":
      return yield* csi(request, path)
    case "Image":
      return ""
    case "Unsupported":
      return yield* refuse(source.message)
  }
}, Effect.mapError((error) => (error instanceof VolumeError ? error : because(error))))
