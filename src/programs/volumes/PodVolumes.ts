/**
 * The volumes of this node's pods: made before a pod's containers, kept up to date while they run, taken down after the
 * last of them. What lies on the node's disk is the truth: an agent that was killed goes on where it stopped.
 */
import { Context, type Effect, Schema } from "effect"
import type { BlockVolume, MountedVolume } from "../../domain/config/mounts.ts"
import type { Container } from "../../domain/k8s/container.ts"
import type { Pod } from "../../domain/k8s/pod.ts"
import type { VolumeView } from "../../domain/pod/model.ts"
import type { VolumeError } from "./VolumeError.ts"
import type { VolumeUsage } from "./volumeUsage.ts"

/** A container's use of a volume was refused or failed; the message is for `CreateContainerConfigError`. */
export class SubPathError extends Schema.TaggedError<SubPathError>()("SubPathError", {
  detail: Schema.String,
  cause: Schema.optionalKey(Schema.Defect())
}) {
  override get message(): string {
    return this.detail
  }
}

/** What a container's configuration needs to know of its pod's volumes, by volume name. */
export interface PodMounts {
  /** Image volumes are here without their `imageRef`: it is known once the image was pulled. */
  readonly volumes: ReadonlyMap<string, MountedVolume>
  readonly blockVolumes: ReadonlyMap<string, BlockVolume>
  /** Groups that volumes ask for (annotation `pv.beta.kubernetes.io/gid`). */
  readonly groups: ReadonlyArray<number>
}

export class PodVolumes extends Context.Service<PodVolumes, {
  /**
   * Wants the pod's volumes, and everything that they and its containers refer to; call it on each change of the pod.
   * Returns at once; progress is told by `changed`. Failures become events on the pod and are tried again.
   */
  readonly want: (pod: Pod) => Effect.Effect<void>
  /** Ready when a container may use every volume. The message is empty while nothing has gone wrong. */
  readonly state: (uid: string) => Effect.Effect<VolumeView>
  /** Those that are ready. */
  readonly mounts: (uid: string) => Effect.Effect<PodMounts>
  /**
   * Prepares the subpaths of one container, and answers their places by the index of the mount. `paths` holds the path
   * of each such mount, variables filled in. Repeatable: what is in place stays.
   */
  readonly subPaths: (
    pod: Pod,
    container: Container,
    paths: ReadonlyMap<number, string>
  ) => Effect.Effect<ReadonlyMap<number, string>, SubPathError>
  /** What the pod's volumes hold now; walks their trees, so ask once a minute at most. */
  readonly usage: (uid: string) => Effect.Effect<ReadonlyArray<VolumeUsage>>
  /**
   * Unmounts and removes all volumes of the pod, whoever made them; done when nothing is left. Failures are tried again
   * until they succeed. Only for pods without running containers.
   */
  readonly release: (uid: string) => Effect.Effect<void>
  /** Pods whose state changed. One consumer. */
  readonly changed: Effect.Effect<ReadonlyArray<string>>
  /** UIDs of the pods that have a folder on this node, wanted or not. */
  readonly onDisk: Effect.Effect<ReadonlyArray<string>, VolumeError>
}>()("kubeffect/programs/volumes/PodVolumes") {}
