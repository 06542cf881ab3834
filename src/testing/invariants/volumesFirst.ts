/** A container starts when what it mounts is there, and nothing of it goes while it runs. */
import type { ContainerRecord } from "../../layers/cri/sim/records.ts"
import type { SimNode } from "../SimNode.ts"
import type { Invariant } from "../Watching.ts"

const missing = (node: SimNode, container: ContainerRecord): string | undefined =>
  container.mounts.find(({ hostPath }) => hostPath !== "" && !node.host.exists(hostPath))?.hostPath

export const volumesFirst: Invariant = {
  name: "volumes-first",
  watch: ({ nodes, pod }) => {
    const looked = new Map<SimNode, number>()
    return {
      happening: (node, { container, kind, sandbox }) => {
        if (kind !== "Started" || container === undefined) return undefined
        const gone = missing(node, container)
        if (gone !== undefined) return `${sandbox.name}/${container.name} starts without ${gone}`
        const spec = pod(sandbox.uid)?.spec
        const wanted = [...(spec?.initContainers ?? []), ...(spec?.containers ?? [])]
          .find(({ name }) => name === container.name)?.volumeMounts ?? []
        const unmounted = wanted.find(({ mountPath }) =>
          !container.mounts.some(({ containerPath }) => containerPath === mountPath)
        )
        return unmounted === undefined ? undefined : `${sandbox.name}/${container.name} has no ${unmounted.mountPath}`
      },
      change: () => {
        for (const node of nodes) {
          // Nothing goes without the machine's losing something.
          if (looked.get(node) === node.host.losses) continue
          looked.set(node, node.host.losses)
          for (const container of node.runtime.containers.values()) {
            const gone = container.state === "Running" ? missing(node, container) : undefined
            if (gone !== undefined) return `${gone} went while ${container.sandbox.name}/${container.name} runs`
          }
        }
        return undefined
      }
    }
  }
}
