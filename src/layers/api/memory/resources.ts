/** The resources of the server's own upkeep that the agent does not know. */
import type { ApiResource } from "../../../domain/k8s/resources.ts"

export const priorityClasses: ApiResource = {
  group: "scheduling.k8s.io",
  version: "v1",
  plural: "priorityclasses",
  kind: "PriorityClass",
  namespaced: false
}
