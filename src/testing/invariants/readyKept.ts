/**
 * A pod that is Ready stays Ready while its containers run and no probe has reason to fail: neither a new life of the
 * agent nor trouble with the API takes it out of service (kubernetes issue 100277).
 */
import { at } from "../../domain/k8s/json.ts"
import type { KubeObject } from "../../layers/api/KubeApi.ts"
import { isReadyPod } from "../podWords.ts"
import type { Invariant } from "../Watching.ts"

/** Of the containers that the status told to run. */
const idsOf = (object: KubeObject | undefined): ReadonlyArray<string> =>
  ["initContainerStatuses", "containerStatuses"]
    .flatMap((kind) => {
      const statuses = at(object, "status", kind)
      return Array.isArray(statuses) ? statuses : []
    })
    .filter((status) => at(status, "state", "running") !== undefined)
    .map((status) => String(at(status, "containerID") ?? "").replace("containerd://", ""))

/** Faults that a readiness probe cannot tell from a container that is not ready. */
const foolsProbes = /^(probe|cri|clock|runtime|network)-/

export const readyKept: Invariant = {
  name: "ready-kept",
  watch: ({ faults, nodes, pod }) => {
    const fooled = faults.some(({ name }) => foolsProbes.test(name))
    return {
      change: ({ before, object, type }) => {
        if (type !== "MODIFIED" || !isReadyPod(before) || isReadyPod(object)) return undefined
        const { deletionTimestamp, name = "", uid = "" } = object.metadata
        if (deletionTimestamp !== undefined) return undefined
        const probed = pod(uid)?.spec.containers.some(({ readinessProbe }) => readinessProbe !== undefined) ?? false
        if (probed && fooled) return undefined
        const ids = idsOf(before)
        const run = ids.every((id) => nodes.some(({ runtime }) => runtime.containers.get(id)?.state === "Running"))
        return ids.length > 0 && run ? `${name} is not ready any more, although all of it runs` : undefined
      }
    }
  }
}
