/** Carrying out a resize that was granted (parity D17): in place, or by a restart where the container asks for one. */
import { differsIn, resizable } from "../resize/allocation.ts"
import { resizeMessage } from "../resize/message.ts"
import { type Draft, waitsFor } from "./draft.ts"
import { Action } from "./model.ts"
import { grantedGeneration, resizeFailure, resizeInProgress, shownProgress } from "./resizeConditions.ts"
import { newestOf, type Scene } from "./scene.ts"
import type { Slot } from "./spec.ts"

/** Ephemeral containers have no resources, and so nothing to resize. */
const slotsOf = (scene: Scene): ReadonlyArray<Slot> => [...scene.init, ...scene.regular]

/** Whether a container that runs has to be started anew to get what it was allotted. */
export const needsRestart = (scene: Scene, slot: Slot): boolean => {
  const before = scene.view.resize?.inForce?.containers[slot.name]
  if (before === undefined) return false
  const { resizePolicy = [], resources } = slot.container
  return resizable.some((name) =>
    differsIn(name, before, resources) &&
    resizePolicy.find(({ resourceName }) => resourceName === name)?.restartPolicy === "RestartContainer"
  )
}

/** Containers wait for the group that they are started in. One that failed to fit does not keep them from running. */
export const resizesFirst = (scene: Scene): boolean => resizeInProgress(scene) && resizeFailure(scene) === undefined

const retryMs = (tries: number): number => Math.min(1000 * 2 ** Math.min(tries - 1, 10), 10_000)

const tell = (scene: Scene, draft: Draft, reason: "ResizeCompleted" | "ResizeError", error = ""): void => {
  draft.events.push({
    type: reason === "ResizeError" ? "Warning" : "Normal",
    reason,
    message: resizeMessage(scene.view.pod, {
      what: reason === "ResizeError" ? "Pod resize error" : "Pod resize completed",
      generation: grantedGeneration(scene),
      error
    })
  })
}

/** Plans the resize once nothing else is being done to the pod's containers. */
const carryOut = (scene: Scene, draft: Draft): void => {
  const { busy } = draft.memory
  const failure = resizeFailure(scene)
  const slots = slotsOf(scene)
  if (scene.sandbox === undefined || busy.resize === true || busy.start !== undefined || busy.sandbox) return
  const running = slots.flatMap((slot) => {
    const newest = newestOf(scene, slot.name)
    return newest?.state === "Running" ? [{ slot, newest }] : []
  })
  if (running.some(({ newest, slot }) => busy.kills[newest.id] !== undefined || restarts(scene, slot))) return
  if (failure !== undefined && waitsFor(draft, { sinceMs: failure.atMs, lengthMs: retryMs(failure.tries) })) return
  draft.actions.push(Action.ResizePod({
    sandboxId: scene.sandbox.id,
    generation: grantedGeneration(scene),
    containers: running.map(({ newest: { id, name } }) => ({ id, name }))
  }))
}

/** An init container is left to finish: it gets what it can in place. */
const restarts = (scene: Scene, slot: Slot): boolean => slot.kind !== "init" && needsRestart(scene, slot)

export const resizeStep = (scene: Scene, draft: Draft): void => {
  const shown = shownProgress(scene)
  if (!resizeInProgress(scene)) {
    if (draft.memory.resizeFailure !== undefined) {
      const { resizeFailure: _, ...memory } = draft.memory
      draft.memory = memory
    }
    if (shown !== undefined) tell(scene, draft, "ResizeCompleted")
    return
  }
  const failure = resizeFailure(scene)
  if (failure !== undefined && shown?.message !== failure.message) tell(scene, draft, "ResizeError", failure.message)
  carryOut(scene, draft)
}
