/** When nothing goes wrong any more, volumes show what their ConfigMaps say. */
import { at } from "../../domain/k8s/json.ts"
import type { Invariant } from "../Watching.ts"
import { contentKey } from "../workload.ts"

export const contentTrue: Invariant = {
  name: "content-true",
  watch: ({ content, nodes, objects }) => ({
    atRest: () => {
      for (const pod of objects()) {
        const { name = "", uid = "" } = pod.metadata
        const volumes = at(pod, "spec", "volumes")
        const shows = Array.isArray(volumes) && volumes.some((one: unknown) => at(one, "configMap") !== undefined)
        const node = nodes.find((one) => one.name === at(pod, "spec", "nodeName"))
        if (!shows || node === undefined) continue
        const path = `/var/lib/kubelet/pods/${uid}/volumes/kubernetes.io~configmap/content/${contentKey}`
        const shown = node.host.exists(path) ? node.host.readText(path) : "nothing"
        if (shown !== content(name)) return `${name} is shown ${shown}, its ConfigMap says ${String(content(name))}`
      }
      return undefined
    }
  })
}
