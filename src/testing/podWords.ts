/** A pod of the API server in a few words, for traces: `web Running ready`, `web Pending ErrImagePull`. */
import { at } from "../domain/k8s/json.ts"
import type { KubeObject } from "../layers/api/KubeApi.ts"

/** What every container goes through. */
const usual: ReadonlySet<unknown> = new Set([undefined, "ContainerCreating", "PodInitializing"])

const waitingReason = (pod: KubeObject): string | undefined => {
  for (const kind of ["initContainerStatuses", "containerStatuses"]) {
    const statuses = at(pod, "status", kind)
    for (const status of Array.isArray(statuses) ? statuses : []) {
      const reason = at(status, "state", "waiting", "reason")
      if (!usual.has(reason)) return String(reason)
    }
  }
  return undefined
}

export const isReadyPod = (pod: KubeObject | undefined): boolean => {
  const conditions = at(pod, "status", "conditions")
  return Array.isArray(conditions) &&
    conditions.some((one: unknown) => at(one, "type") === "Ready" && at(one, "status") === "True")
}

export const podWords = (pod: KubeObject): string =>
  [
    pod.metadata.name ?? "",
    String(at(pod, "status", "phase") ?? ""),
    ...(isReadyPod(pod) ? ["ready"] : []),
    ...(pod.metadata["deletionTimestamp"] === undefined ? [] : ["deleting"]),
    ...(waitingReason(pod) === undefined ? [] : [waitingReason(pod) ?? ""])
  ].join(" ")
