/** Resources and QoS class of the pod as a whole, as its status shows them (parity F4, F5). */
import type { PodStatus } from "../k8s/podStatus.ts"
import { asAllocated } from "../resize/allocation.ts"
import { podLimits, podRequests } from "../resources/podResources.ts"
import { qosClassOf } from "../resources/qos.ts"
import { listOf } from "../resources/resourceLists.ts"
import type { Scene } from "./scene.ts"

export const podResourceFields = (scene: Scene): Pick<PodStatus, "qosClass" | "allocatedResources" | "resources"> => {
  const { pod, resize } = scene.view
  const actual = resize?.inForce === undefined ? pod : asAllocated(pod, resize.inForce)
  const allocated = podRequests(pod)
  const requests = podRequests(actual)
  const limits = podLimits(actual)
  return {
    qosClass: qosClassOf(pod),
    ...(allocated.size === 0 ? {} : { allocatedResources: listOf(allocated) }),
    resources: {
      ...(limits.size === 0 ? {} : { limits: listOf(limits) }),
      ...(requests.size === 0 ? {} : { requests: listOf(requests) })
    }
  }
}
