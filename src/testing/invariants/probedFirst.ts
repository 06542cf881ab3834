/** A container with a readiness probe is not ready before the probe may have run for the first time (H2, H3). */
import { at } from "../../domain/k8s/json.ts"
import type { Invariant } from "../Watching.ts"

/** Times of statuses are whole seconds. */
const slackMs = 1000

export const probedFirst: Invariant = {
  name: "probed-first",
  watch: ({ faults, nodes, pod, worldMs }) => {
    const timeIsSet = faults.some(({ name }) => name.startsWith("clock-"))
    return {
      change: ({ object, type }) => {
        if (type === "DELETED" || timeIsSet) return undefined
        const { name = "", uid = "" } = object.metadata
        const statuses = at(object, "status", "containerStatuses")
        for (const status of Array.isArray(statuses) ? statuses : []) {
          const probe = pod(uid)?.spec.containers.find((one) => one.name === at(status, "name"))?.readinessProbe
          if (probe === undefined || at(status, "ready") !== true) continue
          const id = String(at(status, "containerID") ?? "").replace("containerd://", "")
          const record = nodes.map(({ runtime }) => runtime.containers.get(id)).find((one) => one !== undefined)
          if (record === undefined) continue
          const ageMs = worldMs() - record.startedAtMs
          const delayMs = (probe.initialDelaySeconds ?? 0) * 1000
          if (ageMs + slackMs < delayMs) {
            return `${name} is ready ${ageMs} ms after its start, probed from ${delayMs} ms on`
          }
        }
        return undefined
      }
    }
  }
}
