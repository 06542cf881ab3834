/**
 * A pod's name runs on one node at a time, and what is gone stays gone: nothing starts of a pod whose object was deleted
 * for good. A node that believes an old list breaks both (kubernetes issue 59848).
 */
import type { Invariant } from "../Watching.ts"

export const oneName: Invariant = {
  name: "one-name",
  watch: ({ nodes }) => {
    const gone = new Set<string>()
    return {
      change: ({ object, type }) => {
        if (type === "DELETED") gone.add(object.metadata.uid ?? "")
        return undefined
      },
      happening: (node, { container, kind, sandbox }) => {
        if (kind !== "Started" || container === undefined) return undefined
        const name = `${sandbox.name}/${container.name}`
        if (gone.has(sandbox.uid)) return `${name} starts on ${node.name} after its object has gone`
        const twin = nodes.find(({ runtime }) =>
          [...runtime.containers.values()].some((one) =>
            one.state === "Running" && one.sandbox.uid !== sandbox.uid && one.sandbox.name === sandbox.name
          )
        )
        return twin === undefined ? undefined : `${name} starts on ${node.name} while its like runs on ${twin.name}`
      }
    }
  }
}
