/** Whether a container that has exited runs again: its rules first, then its own policy, then the pod's (parity D9, D10). */
import type { ContainerRestartRule } from "../k8s/container.ts"
import type { Pod } from "../k8s/pod.ts"
import { restartPolicyOf, type Slot } from "./spec.ts"

const matches = (rule: ContainerRestartRule, exitCode: number): boolean => {
  const values = rule.exitCodes?.values ?? []
  switch (rule.exitCodes?.operator) {
    case "In":
      return values.includes(exitCode)
    case "NotIn":
      return !values.includes(exitCode)
    default:
      return false
  }
}

/** The action of the first rule that fits the exit code. */
export const ruleAction = (slot: Slot, exitCode: number): string | undefined =>
  slot.container.restartPolicyRules?.find((rule) => matches(rule, exitCode))?.action

const policyAllows = (policy: string, exitCode: number): boolean =>
  policy === "Always" || (policy === "OnFailure" && exitCode !== 0)

/**
 * Init containers that succeeded are done whatever the policies say; ephemeral ones never run twice. A rule with an
 * unknown action is passed over, as an older agent would.
 */
export const restartsAfter = (pod: Pod, slot: Slot, exitCode: number): boolean => {
  switch (slot.kind) {
    case "ephemeral":
      return false
    case "sidecar":
      return true
    case "init":
      if (exitCode === 0) return false
      break
    case "regular":
      break
  }
  const action = ruleAction(slot, exitCode)
  if (action === "Restart" || action === "RestartAllContainers") return true
  if (slot.container.restartPolicy !== undefined) return policyAllows(slot.container.restartPolicy, exitCode)
  return policyAllows(restartPolicyOf(pod.spec), exitCode)
}

/** Whether any exit can restart the whole pod in place (KEP-5532). */
export const mayRestartAll = (slots: ReadonlyArray<Slot>): boolean =>
  slots.some((slot) => slot.container.restartPolicyRules?.some((rule) => rule.action === "RestartAllContainers"))

/** Whether a container may run again after some exit: such a pod is not over when its sandbox dies under `Never`. */
export const mayRestart = (pod: Pod, slot: Slot): boolean =>
  slot.kind !== "ephemeral" && (
    (slot.container.restartPolicy ?? restartPolicyOf(pod.spec)) !== "Never" ||
    (slot.container.restartPolicyRules ?? []).length > 0
  )
