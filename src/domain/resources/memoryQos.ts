/** Memory guarantees and early throttling of cgroup v2, for nodes that turn MemoryQoS on (KEP-2570, parity L3). */
import type { Container } from "../k8s/container.ts"
import { valueOfText } from "./quantity.ts"

export interface MemoryQosSettings {
  /** `memoryThrottlingFactor`, 0.9 by default. */
  readonly throttlingFactor: number
  readonly allocatableBytes: number
  readonly pageBytes: number
}

/** The `memory.min` and `memory.high` of a container; absent where the kernel's default holds. */
export const memoryQos = (
  container: Container,
  { throttlingFactor, allocatableBytes, pageBytes }: MemoryQosSettings
): { readonly minBytes?: number; readonly highBytes?: number } => {
  const request = valueOfText(container.resources?.requests?.["memory"])
  const limit = valueOfText(container.resources?.limits?.["memory"])
  const min = request === 0 ? {} : { minBytes: request }
  const ceiling = limit === 0 ? allocatableBytes : limit
  if (request === limit || ceiling === 0) return min
  const high = Math.floor((request + (ceiling - request) * throttlingFactor) / pageBytes) * pageBytes
  return high > request ? { ...min, highBytes: high } : min
}
