/** What the status of a pod tells of containers is about its own: never about those of another pod of that name (F6). */
import { at } from "../../domain/k8s/json.ts"
import type { Invariant } from "../Watching.ts"

export const ownStatus: Invariant = {
  name: "own-status",
  watch: () => {
    const owners = new Map<string, string>()
    return {
      happening: (_, { container, sandbox }) => {
        if (container !== undefined) owners.set(container.id, sandbox.uid)
        return undefined
      },
      change: ({ object, type }) => {
        if (type === "DELETED") return undefined
        const { name = "", uid = "" } = object.metadata
        const statuses = at(object, "status", "containerStatuses")
        for (const status of Array.isArray(statuses) ? statuses : []) {
          const id = String(at(status, "containerID") ?? "").replace("containerd://", "")
          const owner = owners.get(id)
          if (owner !== undefined && owner !== uid) return `${name} tells of a container of another pod of that name`
        }
        return undefined
      }
    }
  }
}
