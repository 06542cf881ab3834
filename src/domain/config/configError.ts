/** Why a CRI request cannot be built from a pod, in the words users know from `kubectl describe`. */
import { Schema } from "effect"
import type { Pod } from "../k8s/pod.ts"

/** The pod's sandbox cannot be described. */
export class SandboxConfigError extends Schema.TaggedError<SandboxConfigError>()("SandboxConfigError", {
  detail: Schema.String
}) {
  override get message(): string {
    return this.detail
  }
}

/** What stands in the way: only `MissingObject` and `MissingKey` can heal without a change of the pod. */
export const ContainerConfigProblem = Schema.Literals([
  "MissingObject",
  "MissingKey",
  "LookupFailed",
  "RunAsRoot",
  "Invalid"
])
export type ContainerConfigProblem = typeof ContainerConfigProblem.Type

/** The container cannot be described: its waiting reason is `CreateContainerConfigError` with this message. */
export class ContainerConfigError extends Schema.TaggedError<ContainerConfigError>()("ContainerConfigError", {
  problem: ContainerConfigProblem,
  detail: Schema.String
}) {
  static readonly waitingReason = "CreateContainerConfigError"
  override get message(): string {
    return this.detail
  }
}

export const invalid = (detail: string): ContainerConfigError =>
  new ContainerConfigError({ problem: "Invalid", detail })

/** Something users should read as an event of the pod, though the request was built. */
export interface ConfigWarning {
  readonly reason: string
  readonly message: string
}

/** `name_namespace(uid)`, the way messages name a pod. */
export const podText = ({ metadata }: Pod): string => `${metadata.name}_${metadata.namespace}(${metadata.uid})`
