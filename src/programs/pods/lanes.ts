/**
 * The lanes of a pod: what may run beside each other. A lane runs one action at a time; that it is busy stands in the
 * worker's memory from the moment an action is planned until its outcome is known, so no turn plans it twice.
 */
import { Exit } from "effect"
import { isImageFailure } from "../../domain/pod/backoff.ts"
import type { Action, KillReason, PodMemory, StartFailure } from "../../domain/pod/model.ts"
import type { Outcome } from "./PodActions.ts"

/** A lane's fiber key; undefined for what takes no lane. */
export const laneOf = (action: Action): string | undefined => {
  switch (action._tag) {
    case "RunSandbox":
    case "StopSandbox":
      return "sandbox"
    case "StartContainer":
      return "start"
    case "ResizePod":
      return "resize"
    case "KillContainer":
    case "RemoveContainer":
      return `container:${action.id}`
    case "CancelStart":
      return undefined
  }
}

const without = <A>(record: Readonly<Record<string, A>>, key: string): Readonly<Record<string, A>> => {
  if (!Object.hasOwn(record, key)) return record
  const { [key]: _, ...rest } = record
  return rest
}

const withKill = (memory: PodMemory, id: string, why: KillReason): PodMemory => ({
  ...memory,
  busy: { ...memory.busy, kills: { ...memory.busy.kills, [id]: why } }
})

/** The memory with the action's lane taken. */
export const occupy = (memory: PodMemory, action: Action): PodMemory => {
  switch (action._tag) {
    case "RunSandbox":
    case "StopSandbox":
      return { ...memory, busy: { ...memory.busy, sandbox: true } }
    case "StartContainer":
      return { ...memory, busy: { ...memory.busy, start: action.name } }
    case "ResizePod":
      return { ...memory, busy: { ...memory.busy, resize: true } }
    case "KillContainer":
      return withKill(memory, action.id, action.why)
    case "RemoveContainer":
    case "CancelStart":
      return memory
  }
}

const vacate = (memory: PodMemory, action: Action): PodMemory => {
  switch (action._tag) {
    case "RunSandbox":
    case "StopSandbox":
      return { ...memory, busy: { ...memory.busy, sandbox: false } }
    case "StartContainer":
      return { ...memory, busy: { ...memory.busy, start: undefined } }
    case "ResizePod":
      return { ...memory, busy: { ...memory.busy, resize: false } }
    case "KillContainer":
      return { ...memory, busy: { ...memory.busy, kills: without(memory.busy.kills, action.id) } }
    case "RemoveContainer":
    case "CancelStart":
      return memory
  }
}

/** Failures of one kind in a row are counted: image pulls back off by them (parity N2). */
const counted = (before: StartFailure | undefined, failure: Omit<StartFailure, "tries">): StartFailure => ({
  ...failure,
  tries: (before !== undefined && isImageFailure(before.reason) === isImageFailure(failure.reason) ? before.tries : 0) +
    1
})

/** The memory after the action ended, with its lane free again. An interrupted action leaves no trace but that. */
export const settle = (memory: PodMemory, action: Action, exit: Exit.Exit<Outcome>): PodMemory => {
  const free = vacate(memory, action)
  if (Exit.isFailure(exit)) return free
  const outcome = exit.value
  switch (outcome._tag) {
    case "SandboxFailed":
      return { ...free, sandboxFailure: counted(memory.sandboxFailure, outcome.failure) }
    case "StartFailed": {
      const { [outcome.name]: before } = memory.startFailures
      return {
        ...free,
        startFailures: { ...memory.startFailures, [outcome.name]: counted(before, outcome.failure) }
      }
    }
    case "ResizeFailed": {
      const { atMs, generation, message } = outcome
      const before = memory.resizeFailure?.generation === generation ? memory.resizeFailure.tries : 0
      return { ...free, resizeFailure: { atMs, generation, message, tries: before + 1 } }
    }
    case "Failed":
      return free
    case "Done":
      if (action._tag === "RunSandbox") return { ...free, sandboxFailure: undefined }
      if (action._tag === "StartContainer") return { ...free, startFailures: without(free.startFailures, action.name) }
      return free
  }
}
