/** When nothing goes wrong any more, the status of a pod names the containers that run, as running. */
import { at } from "../../domain/k8s/json.ts"
import type { Invariant } from "../Watching.ts"

export const statusTrue: Invariant = {
  name: "status-true",
  watch: ({ nodes, objects }) => ({
    atRest: () => {
      for (const pod of objects()) {
        const { name = "", uid = "" } = pod.metadata
        const live = nodes.flatMap(({ runtime }) => [...runtime.containers.values()])
          .filter(({ sandbox, state }) => sandbox.uid === uid && state === "Running")
        const statuses = ["initContainerStatuses", "containerStatuses"].flatMap((kind) => {
          const list = at(pod, "status", kind)
          return Array.isArray(list) ? list : []
        })
        for (const status of statuses) {
          const told = at(status, "state", "running") !== undefined
          const found = live.find((container) => container.name === at(status, "name"))
          if (told !== (found !== undefined)) {
            return `${name}/${String(at(status, "name"))} is told to ${told ? "run" : "not run"}, and is otherwise`
          }
          if (found !== undefined && !String(at(status, "containerID")).endsWith(found.id)) {
            return `${name}/${found.name} is told to run as ${String(at(status, "containerID"))}, and is ${found.id}`
          }
        }
      }
      return undefined
    }
  })
}
