/** The control groups the agent makes: one for all pods, one for each QoS class, one for each pod (parity L1–L4, L16). */
import { Effect } from "effect"
import type { NodeSettings } from "../../domain/config/nodeSettings.ts"
import type { Pod } from "../../domain/k8s/pod.ts"
import { podCgroup, podsCgroup, qosCgroup } from "../../domain/resources/cgroupNames.ts"
import { podCgroupLimits, qosCgroupLimits } from "../../domain/resources/cgroupValues.ts"
import { qosClassOf } from "../../domain/resources/qos.ts"
import { Cgroups } from "../../layers/host/Cgroups.ts"
import { AgentConfig } from "../AgentConfig.ts"
import { Allocations } from "./Allocations.ts"
import { PodRegistry } from "./PodRegistry.ts"

export const cgroupOf = (pod: Pod, node: NodeSettings): string =>
  podCgroup(node.cgroups, qosClassOf(pod), pod.metadata.uid)

const limitsOf = Effect.fnUntraced(function*(pod: Pod, node: NodeSettings) {
  const config = yield* AgentConfig
  return podCgroupLimits(pod, {
    cpuCfsQuota: node.cpuCfsQuota,
    cpuCfsQuotaPeriodUs: node.cpuCfsQuotaPeriodUs,
    hugePageSizes: node.hugePageSizes,
    podPidsLimit: config.podPidsLimit
  })
})

/** Before the pod's first sandbox; repeatable. */
export const createPodCgroup = Effect.fnUntraced(function*(pod: Pod, node: NodeSettings) {
  const cgroups = yield* Cgroups
  const config = yield* AgentConfig
  if (config.cgroupsPerQos) yield* cgroups.create(cgroupOf(pod, node), yield* limitsOf(pod, node))
})

/** What the pod's group has, and what it is to have; undefined where pods have none. */
export const podGroup = Effect.fnUntraced(function*(pod: Pod, node: NodeSettings) {
  const cgroups = yield* Cgroups
  const config = yield* AgentConfig
  if (!config.cgroupsPerQos) return undefined
  return { has: yield* cgroups.values(cgroupOf(pod, node)), wants: yield* limitsOf(pod, node) }
})

/** After the pod's last container: whatever still runs in the group is killed with it. */
export const destroyPodCgroup = Effect.fnUntraced(function*(pod: Pod, node: NodeSettings) {
  const cgroups = yield* Cgroups
  const config = yield* AgentConfig
  if (config.cgroupsPerQos) yield* cgroups.destroy(cgroupOf(pod, node))
})

/** Makes the groups that pods' groups lie in, and fits their shares to the pods there are (parity L4). */
export const refreshQosCgroups = Effect.fnUntraced(function*(node: NodeSettings) {
  const cgroups = yield* Cgroups
  const config = yield* AgentConfig
  const registry = yield* PodRegistry
  const allocations = yield* Allocations
  if (!config.cgroupsPerQos) return
  const alive = (yield* registry.all)
    .map(({ pod }) => pod)
    .filter((pod) => pod.status?.phase !== "Succeeded" && pod.status?.phase !== "Failed")
  const limits = qosCgroupLimits(yield* allocations.allApplied(alive), node.hugePageSizes)
  yield* cgroups.create(podsCgroup(node.cgroups))
  yield* cgroups.create(qosCgroup(node.cgroups, "Burstable"), limits.burstable)
  yield* cgroups.create(qosCgroup(node.cgroups, "BestEffort"), limits.bestEffort)
})
