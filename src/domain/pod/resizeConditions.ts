/** The conditions that tell of a resize: asked for and not granted, granted and not carried out (parity D17, F2). */
import type { PodCondition } from "../k8s/podStatus.ts"
import { formatTime } from "../k8s/time.ts"
import type { ResizeFailure } from "./model.ts"
import type { Scene } from "./scene.ts"

/** A pod without a sandbox gets what it was allotted when it is started. */
export const resizeInProgress = ({ sandbox, view }: Scene): boolean =>
  view.resize?.inForce !== undefined && sandbox !== undefined

const shown = ({ view }: Scene, type: string): PodCondition | undefined =>
  (view.memory.lastStatus ?? view.pod.status)?.conditions?.find((condition) => condition.type === type)

/** What users were told of the resize that is being carried out. */
export const shownProgress = (scene: Scene): PodCondition | undefined => shown(scene, "PodResizeInProgress")

/** Generation of the spec whose resize is being carried out. */
export const grantedGeneration = (scene: Scene): number =>
  scene.view.resize?.generation ?? shownProgress(scene)?.observedGeneration ?? scene.view.pod.metadata.generation ?? 0

/** Why it has not succeeded; what stood against an earlier wish does not count. */
export const resizeFailure = (scene: Scene): ResizeFailure | undefined => {
  const failure = scene.view.memory.resizeFailure
  return failure?.generation === grantedGeneration(scene) ? failure : undefined
}

type Told = Pick<PodCondition, "observedGeneration" | "reason" | "message">

/** The time of a condition that only changes its words is that of its beginning. */
const condition = (scene: Scene, type: string, told: Told): PodCondition => {
  const old = shown(scene, type)
  const now = formatTime(scene.view.nowMs)
  return {
    type,
    ...told,
    status: "True",
    lastProbeTime: old?.lastProbeTime ?? now,
    lastTransitionTime: old?.lastTransitionTime ?? now
  }
}

const progress = (scene: Scene): Told => {
  const failure = resizeFailure(scene)
  return {
    observedGeneration: grantedGeneration(scene),
    ...(failure === undefined ? {} : { reason: "Error", message: failure.message })
  }
}

export const resizeConditions = (scene: Scene): ReadonlyArray<PodCondition> => {
  const pending = scene.view.resize?.pending
  return [
    ...(pending === undefined
      ? []
      : [
        condition(scene, "PodResizePending", {
          observedGeneration: pending.generation,
          reason: pending.reason,
          message: pending.message
        })
      ]),
    ...(resizeInProgress(scene) ? [condition(scene, "PodResizeInProgress", progress(scene))] : [])
  ]
}
