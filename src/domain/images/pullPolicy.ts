/** Whether an image is pulled before a container starts (parity N1). */
import { Result } from "effect"
import type { Container } from "../k8s/container.ts"
import { parseImageName } from "./imageName.ts"

export type PullPolicy = "Always" | "IfNotPresent" | "Never"

/** Unset means: always for the moving tag `latest`, else only when the image is missing. */
export const pullPolicyOf = (container: Pick<Container, "image" | "imagePullPolicy">): PullPolicy => {
  const policy = container.imagePullPolicy
  if (policy === "Always" || policy === "IfNotPresent" || policy === "Never") return policy
  const name = parseImageName(container.image ?? "")
  return Result.isSuccess(name) && name.success.tag === "latest" ? "Always" : "IfNotPresent"
}

export type PullDecision = "Pull" | "UsePresent" | "RefuseMissing"

export const pullDecision = (policy: PullPolicy, present: boolean): PullDecision => {
  if (policy === "Always") return "Pull"
  if (present) return "UsePresent"
  return policy === "Never" ? "RefuseMissing" : "Pull"
}
