/** A node without pods holds nothing of any: no sandbox, container, folder, mount or control group. */
import type { Invariant } from "../Watching.ts"

const podsFolder = "/var/lib/kubelet/pods"

export const nothingLeft: Invariant = {
  name: "nothing-left",
  watch: ({ nodes }) => ({
    atEnd: () => {
      for (const { cgroups, host, name, runtime } of nodes) {
        const sandbox = [...runtime.sandboxes.values()][0]
        if (sandbox !== undefined) return `${name} still has the sandbox of ${sandbox.name}`
        const container = [...runtime.containers.values()][0]
        if (container !== undefined) return `${name} still has the container ${container.name}`
        const mounted = host.mountPoints().find((path) => path.startsWith(`${podsFolder}/`))
        if (mounted !== undefined) return `${name} still has ${mounted} mounted`
        const folder = host.exists(podsFolder) ? [...host.at(podsFolder).inode.entries.keys()][0] : undefined
        if (folder !== undefined) return `${name} still has the folder of pod ${folder}`
        const group = [...cgroups.groups.keys()].find((path) => /\/pod[^/]+$/.test(path))
        if (group !== undefined) return `${name} still has the control group ${group}`
      }
      return undefined
    }
  })
}
