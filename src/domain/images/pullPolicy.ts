/** Whether an image is pulled before a container starts, and what a failed pull is called (parity N1). */
import type { ImageName } from "./imageName.ts"

export type PullPolicy = "Always" | "IfNotPresent" | "Never"

/** Unset means: always for the moving tag `latest`, else only when the image is missing. */
export const effectivePolicy = (policy: string | undefined, name: ImageName): PullPolicy => {
  if (policy === "Always" || policy === "IfNotPresent" || policy === "Never") return policy
  return name.tag === "latest" ? "Always" : "IfNotPresent"
}

export type PullDecision = "pull" | "use" | "refuse"

export const pullDecision = (policy: PullPolicy, present: boolean): PullDecision => {
  if (policy === "Always") return "pull"
  if (present) return "use"
  return policy === "Never" ? "refuse" : "pull"
}

export type PullFailureReason = "ErrImagePull" | "RegistryUnavailable" | "SignatureValidationFailed"

/** The reason that a runtime's answer carries as its first word; any other failure is the general one. */
export const pullFailureReason = (detail: string): PullFailureReason =>
  detail.startsWith("RegistryUnavailable")
    ? "RegistryUnavailable"
    : detail.startsWith("SignatureValidationFailed")
    ? "SignatureValidationFailed"
    : "ErrImagePull"
