/** How long a container may take to stop (parity D12). Never less than two seconds, never negative. */
import type { Pod } from "../k8s/pod.ts"
import type { KillReason, Termination } from "./model.ts"
import type { Slot } from "./spec.ts"

const defaultGraceSeconds = 30

/** A shorter time than this would be a kill without warning. */
export const minGraceMs = 2000

const podGraceSeconds = (pod: Pod): number =>
  pod.metadata.deletionGracePeriodSeconds ?? pod.spec.terminationGracePeriodSeconds ?? defaultGraceSeconds

/** Seconds before the floor applies: 0 or less means that there is no time for a preStop hook. */
export const killGraceSeconds = (pod: Pod, slot: Slot | undefined, why: KillReason): number => {
  if (pod.metadata.deletionGracePeriodSeconds === undefined) {
    const probe = why === "LivenessFailed"
      ? slot?.container.livenessProbe
      : why === "StartupFailed"
      ? slot?.container.startupProbe
      : undefined
    if (probe?.terminationGracePeriodSeconds !== undefined) return probe.terminationGracePeriodSeconds
  }
  return podGraceSeconds(pod)
}

/** The grace of the pod's end: whoever ends it may set its own, and a deletion may only shorten it (parity C10). */
export const endGraceSeconds = (pod: Pod, termination: Termination): number => {
  const own = termination.gracePeriodSeconds
  if (own === undefined) return podGraceSeconds(pod)
  const deletion = pod.metadata.deletionGracePeriodSeconds
  return deletion === undefined ? own : Math.min(own, deletion)
}

export const graceMs = (seconds: number, elapsedMs = 0): number => Math.max(minGraceMs, seconds * 1000 - elapsedMs)
