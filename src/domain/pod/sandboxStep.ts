/** Getting the pod a sandbox: the old one is emptied and stopped first, the new one waits for volumes and network (parity C12, D1). */
import { retryWait } from "./backoff.ts"
import { cancelStart, type Draft, kill, stopSandbox, waitsFor, wakeAt } from "./draft.ts"
import { killGraceSeconds } from "./grace.ts"
import { Action } from "./model.ts"
import { mayRestart } from "./restart.ts"
import { allSlots, hasRun, newestOf, type Scene, wantsStart } from "./scene.ts"
import { isAlive, killMessage, sandboxesToStop } from "./windDown.ts"

/** How soon the network is asked for again (parity C11). */
const networkRetryMs = 1000

/**
 * Whether the pod has anything left to run in a new sandbox. One that may never restart and has run is over, and so is
 * one whose containers have all done their work.
 */
export const deservesSandbox = (scene: Scene): boolean => {
  if (scene.need._tag !== "Changed") return true
  const { pod } = scene.view
  const slots = [...scene.init, ...scene.regular]
  const ran = slots.some((slot) => hasRun(scene, slot))
  if (!ran) return true
  if (!scene.regular.some((slot) => mayRestart(pod, slot))) return false
  const toRun = scene.regular.some((slot) =>
    newestOf(scene, slot.name)?.state === "Running" ? mayRestart(pod, slot) : wantsStart(scene, slot)
  )
  return toRun || !scene.regular.some((slot) => hasRun(scene, slot))
}

/** Gives the event of what holds the pod up, once for each message. */
const hold = (draft: Draft, reason: string, message: string): void => {
  const { held } = draft.memory
  if (held?.reason === reason && held.message === message) return
  draft.memory = { ...draft.memory, held: { reason, message } }
  if (message !== "") draft.events.push({ type: "Warning", reason, message })
}

/** Whether volumes and network are there for a new sandbox. */
const isProvided = (scene: Scene, draft: Draft): boolean => {
  const { node, pod, volumes } = scene.view
  if (!node.networkReady && pod.spec.hostNetwork !== true) {
    hold(draft, "NetworkNotReady", `network is not ready: ${node.networkMessage}`)
    wakeAt(draft, draft.nowMs + networkRetryMs)
    return false
  }
  if (!volumes.ready) {
    hold(draft, "FailedMount", volumes.message)
    return false
  }
  const { held: _, ...free } = draft.memory
  draft.memory = free
  return true
}

const clearOld = (scene: Scene, draft: Draft): boolean => {
  const { observed, pod } = scene.view
  const slots = new Map(allSlots(scene).map((slot) => [slot.name, slot]))
  const alive = observed.containers.filter((record) => isAlive(record, draft))
  for (const record of alive) {
    const slot = slots.get(record.name)
    if (slot !== undefined && mayRestart(pod, slot)) {
      const owed = { id: record.id, why: "SandboxChanged" as const }
      draft.memory = { ...draft.memory, owed: { ...draft.memory.owed, [record.name]: owed } }
    }
    kill(draft, {
      record,
      slot,
      why: "SandboxChanged",
      message: killMessage(record.name),
      graceSeconds: killGraceSeconds(pod, slot, "SandboxChanged")
    })
  }
  if (alive.length > 0 || Object.keys(draft.memory.busy.kills).length > 0) return false
  const [next] = sandboxesToStop(observed, draft)
  if (next !== undefined) stopSandbox(draft, next, "SandboxChanged")
  return next === undefined
}

/** Plans the next step towards a usable sandbox. */
export const sandboxStep = (scene: Scene, draft: Draft): void => {
  const { need } = scene
  if (need._tag === "Usable") return
  // Whatever is being started belongs to a sandbox that is gone.
  cancelStart(draft)
  if (draft.memory.busy.start !== undefined || draft.memory.busy.sandbox || !clearOld(scene, draft)) return
  if (!isProvided(scene, draft)) return
  const { sandboxFailure } = draft.memory
  if (sandboxFailure !== undefined && waitsFor(draft, retryWait(sandboxFailure))) return
  draft.actions.push(
    need._tag === "First"
      ? Action.RunSandbox({ attempt: 0, why: "FirstStart" })
      : Action.RunSandbox({ attempt: need.attempt, why: "SandboxChanged" })
  )
}
