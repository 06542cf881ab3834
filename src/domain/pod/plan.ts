/**
 * The heart of the agent: what to do next for one pod, from one look at it. Pure: the same view gives the same plan.
 * It plans only what may begin now, asks to be woken for what time decides, and leaves the rest to events.
 */
import type { ContainerStatus, PodStatus } from "../k8s/podStatus.ts"
import { parseTime } from "../k8s/time.ts"
import { type Draft, draftOf, wakeAt } from "./draft.ts"
import { keepStep } from "./keepStep.ts"
import type { Plan, PodMemory, PodView, Termination } from "./model.ts"
import { resizeStep } from "./resizeStep.ts"
import { restartAllStep } from "./restartAllStep.ts"
import { deservesSandbox, sandboxStep } from "./sandboxStep.ts"
import { hasRun, newestOf, type Scene, sceneOf, wantsStart } from "./scene.ts"
import { isTerminalPhase } from "./spec.ts"
import { startStep } from "./startStep.ts"
import { assess, type Assessment, podStatus } from "./status.ts"
import { windDown } from "./windDown.ts"

const deadlineMessage = "Pod was active on the node longer than the specified deadline"

const deadlineMs = ({ memory, pod }: PodView): number | undefined => {
  const seconds = pod.spec.activeDeadlineSeconds
  if (seconds === undefined) return undefined
  const startedMs = parseTime(pod.status?.startTime ?? memory.lastStatus?.startTime ?? "") ?? memory.acceptedAtMs
  return startedMs + seconds * 1000
}

/** Whether something ends the pod now. Once it has begun, an end is never taken back (parity C10). */
const endOf = (view: PodView, draft: Draft): Termination | undefined => {
  const { memory, nowMs, pod } = view
  if (memory.termination !== undefined) return memory.termination
  if (isTerminalPhase(pod.status?.phase) || isTerminalPhase(memory.lastStatus?.phase)) return { why: "Finished" }
  if (pod.metadata.deletionTimestamp !== undefined) return { why: "Deleted" }
  const deadline = deadlineMs(view)
  if (deadline === undefined) return undefined
  if (deadline > nowMs) {
    wakeAt(draft, deadline)
    return undefined
  }
  draft.events.push({ type: "Normal", reason: "DeadlineExceeded", message: deadlineMessage })
  return {
    why: "DeadlineExceeded",
    status: { phase: "Failed", reason: "DeadlineExceeded", message: deadlineMessage }
  }
}

const statusesOf = (assessment: Assessment): ReadonlyMap<string, ContainerStatus> =>
  new Map([...assessment.init, ...assessment.regular, ...assessment.ephemeral].map((status) => [status.name, status]))

/** The regular containers have run and will not again: sidecars do not keep a pod alive (parity D7, D9). */
const workIsDone = (scene: Scene): boolean =>
  scene.view.memory.restartingAll !== true && scene.regular.every((slot) => {
    const newest = newestOf(scene, slot.name)
    return newest?.state !== "Running" && hasRun(scene, slot) && !wantsStart(scene, slot)
  })

/** A pod whose containers have done all they will do ends by itself. */
const isFinished = (scene: Scene, assessment: Assessment): boolean =>
  isTerminalPhase(assessment.phase) || workIsDone(scene) || !deservesSandbox(scene)

const proceed = (scene: Scene, draft: Draft, assessment: Assessment): void => {
  if (scene.sandbox === undefined) return sandboxStep(scene, draft)
  if (restartAllStep(scene, draft)) return
  keepStep(scene, draft)
  resizeStep(scene, draft)
  startStep(scene, draft, statusesOf(assessment))
}

/** Failures of containers that run by now are history. */
const withoutPastFailures = (view: PodView): PodView => {
  const failures = Object.entries(view.memory.startFailures)
  if (failures.length === 0) return view
  const scene = sceneOf(view)
  const kept = failures.filter(([name]) => newestOf(scene, name)?.state !== "Running")
  return kept.length === failures.length
    ? view
    : { ...view, memory: { ...view.memory, startFailures: Object.fromEntries(kept) } }
}

/** What was tried with containers and sandboxes that are gone needs no memory, and neither does what is owed to them. */
const pruned = (scene: Scene, { attempts, owed, ...memory }: PodMemory): PodMemory => {
  const { containers, sandboxes } = scene.view.observed
  const known = new Set([...containers, ...sandboxes].map(({ id }) => id))
  const isKnown = (key: string) => !key.includes(":") || known.has(key.slice(key.indexOf(":") + 1))
  return {
    ...memory,
    ...(attempts === undefined
      ? {}
      : { attempts: Object.fromEntries(Object.entries(attempts).filter(([key]) => isKnown(key))) }),
    ...(owed === undefined
      ? {}
      : { owed: Object.fromEntries(Object.entries(owed).filter(([, { id }]) => known.has(id))) })
  }
}

const close = (scene: Scene, draft: Draft, stage: Plan["stage"], status: PodStatus): Plan => ({
  actions: draft.actions,
  status,
  events: draft.events,
  wakeAtMs: draft.wakeAtMs,
  stage,
  memory: pruned(scene, { ...draft.memory, lastStatus: status })
})

/** The view with what this plan has come to remember; a restart in place stays visible until the plan is over. */
const remembered = (scene: Scene, draft: Draft): Scene => {
  const { restartingAll } = scene.view.memory
  const memory = restartingAll === true ? { ...draft.memory, restartingAll } : draft.memory
  return sceneOf({ ...scene.view, memory })
}

export const plan = (given: PodView): Plan => {
  const view = withoutPastFailures(given)
  const draft = draftOf(view)
  const end = endOf(view, draft)
  if (end === undefined) {
    const scene = sceneOf(view)
    const assessment = assess(scene, false)
    if (!isFinished(scene, assessment)) {
      proceed(scene, draft, assessment)
      return close(scene, draft, "syncing", podStatus(remembered(scene, draft), false))
    }
  }
  const termination = end ?? { why: "Finished" as const }
  draft.memory = { ...draft.memory, termination }
  const scene = remembered(sceneOf(view), draft)
  const stopped = windDown(scene, draft, termination)
  return close(scene, draft, stopped ? "terminated" : "terminating", podStatus(scene, stopped))
}
