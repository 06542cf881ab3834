/** How much swap a container may use (parity L14). */
import type { Container } from "../k8s/container.ts"
import type { Pod } from "../k8s/pod.ts"
import { isCriticalPod, qosClassOf } from "./qos.ts"
import { valueOfText } from "./quantity.ts"

export interface SwapSettings {
  readonly behavior: "NoSwap" | "LimitedSwap"
  /** The kernel accounts for swap per group. */
  readonly controllerAvailable: boolean
  readonly nodeMemoryBytes: number
  readonly nodeSwapBytes: number
}

/** Bytes of swap, in proportion to the share of the node's memory that was requested; 0 for none. */
export const swapLimitBytes = (pod: Pod, container: Container, settings: SwapSettings): number => {
  const request = valueOfText(container.resources?.requests?.["memory"])
  const limit = valueOfText(container.resources?.limits?.["memory"])
  const refused = settings.behavior === "NoSwap" || isCriticalPod(pod) || qosClassOf(pod) !== "Burstable" ||
    request === limit || request > settings.nodeMemoryBytes
  return refused ? 0 : Math.floor((request / settings.nodeMemoryBytes) * settings.nodeSwapBytes)
}
