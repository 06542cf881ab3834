/**
 * Restart of all containers in place (KEP-5532, parity D10): when a container exits under such a rule, all others are
 * killed, all records are removed and the pod begins with its first init container again, in the same sandbox.
 */
import { countRestart, inBackoff } from "./crashLoop.ts"
import { cancelStart, type Draft, kill, remove } from "./draft.ts"
import { killGraceSeconds } from "./grace.ts"
import type { ObservedContainer } from "./model.ts"
import { ruleAction } from "./restart.ts"
import { currentOf, type Scene } from "./scene.ts"
import type { Slot } from "./spec.ts"
import { isAlive } from "./windDown.ts"

interface Trigger {
  readonly slot: Slot
  readonly record: ObservedContainer
}

const triggerOf = (scene: Scene): Trigger | undefined => {
  for (const slot of [...scene.init, ...scene.regular]) {
    const record = currentOf(scene, slot.name)
    if (record?.state === "Exited" && ruleAction(slot, record.exitCode) === "RestartAllContainers") {
      return { slot, record }
    }
  }
  return undefined
}

const setFlag = (draft: Draft, on: boolean): void => {
  const { restartingAll: _, ...memory } = draft.memory
  draft.memory = on ? { ...memory, restartingAll: true } : memory
}

/** Removes what is dead, the trigger last: until then a new agent sees it and goes on. */
const clear = (scene: Scene, draft: Draft, trigger: Trigger | undefined): boolean => {
  const slots = new Map([...scene.init, ...scene.regular].map((slot) => [slot.name, slot]))
  const records = scene.view.observed.containers.filter((record) => slots.has(record.name))
  const alive = records.filter((record) => isAlive(record, draft))
  for (const record of alive) {
    const slot = slots.get(record.name)
    kill(draft, {
      record,
      slot,
      why: "RestartAllContainers",
      message: `Container ${record.name} will be restarted with all containers of the pod`,
      graceSeconds: killGraceSeconds(scene.view.pod, slot, "RestartAllContainers")
    })
  }
  if (alive.length > 0) return false
  const others = records.filter((record) => record.id !== trigger?.record.id)
  for (const record of others.length > 0 ? others : records) remove(draft, record)
  return records.length === 0
}

/** True while it goes on, and nothing else may start. */
export const restartAllStep = (scene: Scene, draft: Draft): boolean => {
  const trigger = triggerOf(scene)
  if (scene.view.memory.restartingAll !== true) {
    if (trigger === undefined) return false
    // A container that keeps doing this backs off like one that crashes.
    if (inBackoff(scene, trigger.slot, draft, trigger.record)) return true
    countRestart(scene, trigger.slot, draft, trigger.record)
    setFlag(draft, true)
  }
  cancelStart(draft)
  if (draft.memory.busy.start !== undefined || !clear(scene, draft, trigger)) return true
  setFlag(draft, false)
  return false
}
