/** Which process the kernel kills first when memory runs out: `oom_score_adj` of a container (parity L5). */
import type { Container } from "../k8s/container.ts"
import type { Pod } from "../k8s/pod.ts"
import { containerRequests, hasPodLevelRequests, isSidecar } from "./podResources.ts"
import { isNodeCriticalPod, qosClassOf } from "./qos.ts"
import { valueOfText } from "./quantity.ts"
import { unitsOf } from "./resourceLists.ts"

export const guaranteedOomScoreAdj = -997
export const bestEffortOomScoreAdj = 1000

const memoryRequest = (container: Container): number => valueOfText(container.resources?.requests?.["memory"])

/** What the pod requests beyond its containers, in equal parts for each of them. */
const sharedMemory = (pod: Pod): number => {
  const total = valueOfText(pod.spec.resources?.requests?.["memory"])
  if (!hasPodLevelRequests(pod) || total === 0) return 0
  const count = pod.spec.containers.length + (pod.spec.initContainers?.length ?? 0)
  return Math.max(0, Math.floor((total - unitsOf(containerRequests(pod), "memory")) / count))
}

const scoreOf = (requestBytes: number, capacityBytes: number): number =>
  1000 - Math.floor((1000 * requestBytes) / capacityBytes)

const isSidecarOf = (pod: Pod, container: Container): boolean =>
  isSidecar(container) && (pod.spec.initContainers ?? []).some(({ name }) => name === container.name)

/** The more of the node's memory a burstable container requested, the later it is killed. */
export const oomScoreAdj = (pod: Pod, container: Container, memoryCapacityBytes: number): number => {
  if (isNodeCriticalPod(pod)) return guaranteedOomScoreAdj
  const qos = qosClassOf(pod)
  if (qos === "Guaranteed") return guaranteedOomScoreAdj
  if (qos === "BestEffort") return bestEffortOomScoreAdj
  const shared = sharedMemory(pod)
  const own = scoreOf(memoryRequest(container) + shared, memoryCapacityBytes)
  // KEP-753: a sidecar must not die before the containers it serves.
  const least = Math.min(...pod.spec.containers.map(memoryRequest))
  const score = isSidecarOf(pod, container) ? Math.min(own, scoreOf(least + shared, memoryCapacityBytes)) : own
  return Math.max(1000 + guaranteedOomScoreAdj, Math.min(bestEffortOomScoreAdj - 1, score))
}
