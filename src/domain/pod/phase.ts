/** The phase of a pod from the states of its containers (parity F1). */
import type { ContainerStateTerminated, ContainerStatus } from "../k8s/podStatus.ts"
import type { Slot } from "./spec.ts"

export type Phase = "Pending" | "Running" | "Succeeded" | "Failed"

export interface PhaseInput {
  readonly init: ReadonlyArray<Slot>
  readonly regular: ReadonlyArray<Slot>
  /** Of init and regular containers, by name. */
  readonly statuses: ReadonlyMap<string, ContainerStatus>
  /** Whether the container runs again after this end. */
  readonly restarts: (slot: Slot, ended: ContainerStateTerminated) => boolean
  /** Nothing of the pod will run again, whatever its policies say. */
  readonly over: boolean
  /** A regular container has been started: sidecars that restart do not take the pod back to Pending. */
  readonly initialized: boolean
}

type Mode =
  | { readonly _tag: "Running"; readonly started: boolean }
  | { readonly _tag: "Stopped"; readonly ended: ContainerStateTerminated }
  | { readonly _tag: "Waiting" }

const modeOf = (status: ContainerStatus | undefined): Mode => {
  if (status?.state?.running !== undefined) return { _tag: "Running", started: status.started === true }
  const ended = status?.state?.terminated ?? status?.lastState?.terminated
  return ended === undefined ? { _tag: "Waiting" } : { _tag: "Stopped", ended }
}

/** Failed when an init container failed for good, Pending while any has to run, else undefined. */
const initPhase = (input: PhaseInput): Phase | undefined => {
  let pending = false
  for (const slot of input.init) {
    const mode = modeOf(input.statuses.get(slot.name))
    if (slot.kind === "sidecar") {
      if (mode._tag === "Waiting" || (mode._tag === "Running" && !mode.started)) pending ||= !input.initialized
      continue
    }
    if (mode._tag !== "Stopped") pending = true
    else if (mode.ended.exitCode !== 0 && !input.restarts(slot, mode.ended)) return "Failed"
  }
  return pending ? "Pending" : undefined
}

export const phaseOf = (input: PhaseInput): Phase => {
  const init = initPhase(input)
  if (init !== undefined) return init
  const modes = input.regular.map((slot) => ({ slot, mode: modeOf(input.statuses.get(slot.name)) }))
  const sidecars = input.init.filter((slot) => slot.kind === "sidecar").map((slot) =>
    modeOf(input.statuses.get(slot.name))
  )
  if ([...modes.map(({ mode }) => mode), ...sidecars].some((mode) => mode._tag === "Waiting")) return "Pending"
  if ([...modes.map(({ mode }) => mode), ...sidecars].some((mode) => mode._tag === "Running")) return "Running"
  const exits = modes.flatMap(({ mode, slot }) => mode._tag === "Stopped" ? [{ slot, ended: mode.ended }] : [])
  if (exits.length === 0) return "Pending"
  if (!input.over && exits.some(({ ended, slot }) => input.restarts(slot, ended))) return "Running"
  return exits.every(({ ended }) => ended.exitCode === 0) ? "Succeeded" : "Failed"
}
