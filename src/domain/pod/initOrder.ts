/**
 * How far initialisation has come (parity D6, D7). Only containers of the sandbox in use count. The last init container
 * with a record proves all before it: their records may have been removed, and they must not run again.
 */
import { currentOf, isInitialized, isStarted, type Scene, wantsStart } from "./scene.ts"
import type { Slot } from "./spec.ts"

export interface InitProgress {
  /** Init containers to start now (again), in order. */
  readonly starts: ReadonlyArray<Slot>
  /** Regular containers may start. */
  readonly done: boolean
}

/** A sidecar that should run but does not, after its turn has come. */
const fallen = (scene: Scene, slot: Slot): boolean => {
  const record = currentOf(scene, slot.name)
  return slot.kind === "sidecar" && record?.state !== "Running"
}

const isDone = (scene: Scene, slot: Slot): boolean => {
  const record = currentOf(scene, slot.name)
  if (record === undefined) return false
  return slot.kind === "sidecar" ? isStarted(scene, slot, record) : record.state === "Exited" && record.exitCode === 0
}

export const initProgress = (scene: Scene): InitProgress => {
  if (isInitialized(scene)) return { starts: scene.init.filter((slot) => fallen(scene, slot)), done: true }
  const reached = scene.init.findLastIndex((slot) => currentOf(scene, slot.name) !== undefined)
  const earlier = scene.init.slice(0, Math.max(reached, 0)).filter((slot) => fallen(scene, slot))
  const last = scene.init[reached]
  if (last !== undefined && !isDone(scene, last)) {
    const running = currentOf(scene, last.name)?.state === "Running"
    return { starts: running || !wantsStart(scene, last) ? earlier : [...earlier, last], done: false }
  }
  const next = scene.init[reached + 1]
  return next === undefined ? { starts: earlier, done: true } : { starts: [...earlier, next], done: false }
}
