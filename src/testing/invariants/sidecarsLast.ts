/** When a pod ends, its sidecars are stopped after its regular containers (D7). */
import type { Invariant } from "../Watching.ts"

export const sidecarsLast: Invariant = {
  name: "sidecars-last",
  watch: ({ faults, objects, pod }) => {
    // Sidecars that something else kills say nothing about the agent.
    const killers = faults.some(({ name }) => /^(container|machine|sandbox)-/.test(name))
    return {
      happening: (node, { container, kind, sandbox }) => {
        if (kind !== "Stopped" || container === undefined || killers) return undefined
        const spec = pod(sandbox.uid)?.spec
        const sidecar = spec?.initContainers?.find(({ name }) => name === container.name)?.restartPolicy === "Always"
        const deleted = objects().some(({ metadata }) =>
          metadata.uid === sandbox.uid && metadata.deletionTimestamp !== undefined
        )
        if (!sidecar || !deleted) return undefined
        const main = [...node.runtime.containers.values()].find((one) =>
          one.sandbox === sandbox && one.state === "Running" && spec?.containers.some(({ name }) => name === one.name)
        )
        return main === undefined ? undefined : `${sandbox.name}/${container.name} stops while ${main.name} runs`
      }
    }
  }
}
