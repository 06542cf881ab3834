/** What serves is left alone: its containers stop when the pod is deleted, or when something other than the agent ends them. */
import type { Invariant } from "../Watching.ts"

/** Kinds of pods whose containers never end by themselves and have nothing that could condemn them. */
const serving = /^(server|pair|deaf|volumes|config|csi|moving|ordered)-/
const killers = /^(container|sandbox|machine)-/

export const leftAlone: Invariant = {
  name: "left-alone",
  watch: ({ faults, objects, pod }) => {
    const somebodyKills = faults.some(({ name }) => killers.test(name))
    return {
      happening: (_, { container, kind, sandbox }) => {
        if (kind !== "Stopped" || container === undefined || somebodyKills || !serving.test(sandbox.name)) {
          return undefined
        }
        const init = pod(sandbox.uid)?.spec.initContainers?.find(({ name }) => name === container.name)
        if (init !== undefined && init.restartPolicy !== "Always") return undefined
        const object = objects().find(({ metadata }) => metadata.uid === sandbox.uid)
        if (object === undefined || object.metadata["deletionTimestamp"] !== undefined) return undefined
        return `${sandbox.name}/${container.name} is stopped, and nobody asked for it`
      }
    }
  }
}
