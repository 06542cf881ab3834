/** The volumes of CSI drivers, as the volume workers use them: attach, stage and publish lie behind `setUp`. */
import { Context, Effect, Layer } from "effect"
import type { Pod } from "../../domain/k8s/pod.ts"
import type { PersistentVolumeClaim } from "../../domain/k8s/storage.ts"
import type { DesiredVolume } from "../../domain/volumes/desired.ts"
import { VolumeError } from "./VolumeError.ts"

export interface CsiSetUp {
  readonly pod: Pod
  /** Its source is `Csi` or `CsiInline`. */
  readonly volume: DesiredVolume
  /** `…/volumes/kubernetes.io~csi/<spec name>`, or `…/volumeDevices/kubernetes.io~csi/<spec name>` of a block volume. */
  readonly path: string
}

export interface CsiTearDown {
  readonly uid: string
  readonly specName: string
  readonly path: string
  readonly block: boolean
}

export interface CsiExpansion {
  readonly pod: Pod
  /** It is up. */
  readonly volume: DesiredVolume
  readonly hostPath: string
  /** The size it is known to have; undefined when that is not known. */
  readonly reached: string | undefined
}

export interface CsiUsageRequest {
  readonly pod: Pod
  readonly volume: DesiredVolume
  readonly hostPath: string
}

interface Amount {
  readonly total: number
  readonly available: number
  readonly used: number
}

export class CsiVolumes extends Context.Service<CsiVolumes, {
  /**
   * Returns once the pod may use the volume, fails when it is to be tried again; repeatable. Answers the path that
   * containers mount, or the device of a block volume.
   */
  readonly setUp: (request: CsiSetUp) => Effect.Effect<{ readonly hostPath: string }, VolumeError>
  /** Unpublishes the volume and removes its place; needs nothing but what lies there. Absence is a success. */
  readonly tearDown: (request: CsiTearDown) => Effect.Effect<void, VolumeError>
  /**
   * Makes a volume that has grown larger, and tells its claim. Answers the claim as it is then, and whether there is
   * nothing more to do for this size; repeatable.
   */
  readonly expand: (
    request: CsiExpansion
  ) => Effect.Effect<
    { readonly claim: PersistentVolumeClaim; readonly reached: boolean } | undefined,
    VolumeError
  >
  /** What a volume that is up holds; undefined when its driver does not tell. */
  readonly usage: (
    request: CsiUsageRequest
  ) => Effect.Effect<{ readonly bytes: Amount; readonly inodes: Amount } | undefined, VolumeError>
}>()("kubeffect/programs/volumes/CsiVolumes") {}

const notFound = (driver: string) =>
  new VolumeError({ detail: `driver name ${driver} not found in the list of registered CSI drivers` })

const driverOf = ({ source }: DesiredVolume): string =>
  source._tag === "Csi" || source._tag === "CsiInline" ? source.source.driver : ""

/** A node without any driver. */
export const noDrivers: Layer.Layer<CsiVolumes> = Layer.succeed(
  CsiVolumes,
  CsiVolumes.of({
    setUp: ({ volume }) => Effect.fail(notFound(driverOf(volume))),
    tearDown: ({ path }) => Effect.fail(notFound(`of ${path}`)),
    expand: ({ volume }) => Effect.fail(notFound(driverOf(volume))),
    usage: ({ volume }) => Effect.fail(notFound(driverOf(volume)))
  })
)
