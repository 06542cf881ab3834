/**
 * Features under development that this node has, as `status.declaredFeatures` tells them (KEP-5328, parity B11), and
 * which of them a pod cannot do without.
 */
import type { Pod } from "../k8s/pod.ts"

/** Declared when the gate of the same name is on. */
const ofGates = [
  "ExtendWebSocketsToKubelet",
  "InPlacePodLevelResourcesVerticalScaling",
  "InPlacePodVerticalScalingInitContainers",
  "RestartAllContainersOnContainerExits"
] as const

/** Undefined where nodes do not declare anything. Sorted, and fixed while the agent runs. */
export const declaredFeatures = (
  enabled: (gate: string) => boolean,
  exclusiveCpus: boolean
): ReadonlyArray<string> | undefined => {
  if (!enabled("NodeDeclaredFeatures")) return undefined
  return [
    ...ofGates.filter((gate) => enabled(gate)),
    // Where guaranteed containers share the CPUs with the others nothing stands against their resize.
    ...(exclusiveCpus ? [] : ["GuaranteedQoSPodCPUResize"])
  ].sort()
}

const restartsAll = ({ spec }: Pod): boolean =>
  [...spec.containers, ...(spec.initContainers ?? [])].some(({ restartPolicyRules = [] }) =>
    restartPolicyRules.some(({ action }) => action === "RestartAllContainers")
  )

export const requiredFeatures = (pod: Pod): ReadonlyArray<string> => [
  ...(restartsAll(pod) ? ["RestartAllContainersOnContainerExits"] : []),
  ...(pod.spec.hostNetwork === true && pod.spec.hostUsers === false ? ["UserNamespacesHostNetworkSupport"] : [])
]
