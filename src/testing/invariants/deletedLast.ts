/** The object of a pod goes when everything of the pod on the node has gone: containers, sandbox, mounts (F7). */
import { at } from "../../domain/k8s/json.ts"
import type { Invariant } from "../Watching.ts"

export const deletedLast: Invariant = {
  name: "deleted-last",
  watch: ({ nodes }) => ({
    change: ({ object, type }) => {
      const { name = "", uid = "" } = object.metadata
      if (type !== "DELETED") return undefined
      const node = nodes.find((one) => one.name === at(object, "spec", "nodeName"))
      if (node === undefined) return undefined
      const runs = [...node.runtime.containers.values()].find(({ sandbox, state }) =>
        sandbox.uid === uid && state === "Running"
      )
      if (runs !== undefined) return `${name} is deleted while ${runs.name} runs`
      const up = [...node.runtime.sandboxes.values()].find((sandbox) => sandbox.uid === uid && sandbox.ready)
      if (up !== undefined) return `${name} is deleted while its sandbox is up`
      const mounted = node.host.mountPoints().find((path) => path.includes(uid))
      return mounted === undefined ? undefined : `${name} is deleted while ${mounted} is mounted`
    }
  })
}
