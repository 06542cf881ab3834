/**
 * The container statuses of a pod that is over for good: whoever has no evidence of how it ended is marked as lost, and
 * the phase becomes terminal whatever was missing (parity F1, F3).
 */
import type { ContainerStatus } from "../k8s/podStatus.ts"
import type { Phase } from "./phase.ts"
import { lostAtEnd, unknownReason } from "./reasons.ts"
import { isTerminalPhase } from "./spec.ts"
import type { Assessment } from "./status.ts"

const ended = (status: ContainerStatus): ContainerStatus =>
  status.state?.terminated === undefined
    ? {
      ...status,
      ready: false,
      ...(status.started === undefined ? {} : { started: false }),
      state: { terminated: { exitCode: 137, reason: unknownReason, message: lostAtEnd } }
    }
    : status

const hasBegun = (status: ContainerStatus): boolean =>
  status.lastState?.terminated !== undefined || status.state?.waiting === undefined

/** Regular containers had a chance to run: only then does their absence mean that they were lost. */
const isInitialized = (assessment: Assessment): boolean => {
  const last = assessment.init.at(-1)
  if (last === undefined || assessment.regular.some(hasBegun)) return true
  if (last.state?.running !== undefined) return last.started === true
  return (last.state?.terminated ?? last.lastState?.terminated)?.exitCode === 0
}

export const endedStatuses = (assessment: Assessment, sticky: Phase | undefined): Assessment => {
  const begun = assessment.init.findLastIndex(hasBegun)
  return {
    phase: sticky ?? (isTerminalPhase(assessment.phase) ? assessment.phase : "Failed"),
    init: assessment.init.map((status, index) => index <= begun ? ended(status) : status),
    regular: isInitialized(assessment) ? assessment.regular.map(ended) : assessment.regular,
    ephemeral: assessment.ephemeral.map((status) => hasBegun(status) ? ended(status) : status)
  }
}
