/** The control groups of a simulated machine use what its containers use: what `kubectl top` and metrics show. */
import type { UsageReader } from "../../layers/cri/sim/usage.ts"
import type { CgroupStats } from "../../layers/host/Cgroups.ts"

/** The system and the agent, beside all pods. */
const system = { millicores: 50, memoryBytes: 600 * 2 ** 20, processes: 100 }

const podOf = (path: string): string | undefined => /\/pod([^/]+)/.exec(path)?.[1]

const statsOf = (cpuNs: number, memoryBytes: number, processes: number): CgroupStats => {
  const usageNs = Math.round(cpuNs)
  const systemNs = Math.floor(usageNs / 4)
  return {
    cpu: { usageNs, userNs: usageNs - systemNs, systemNs, periods: 0, throttledPeriods: 0, throttledNs: 0 },
    memory: {
      usageBytes: memoryBytes,
      workingSetBytes: memoryBytes,
      rssBytes: Math.floor(memoryBytes * 0.9),
      cacheBytes: memoryBytes - Math.floor(memoryBytes * 0.9),
      mappedFileBytes: 0,
      maxUsageBytes: memoryBytes,
      pageFaults: Math.floor(memoryBytes / 4096),
      majorPageFaults: 0,
      oomKills: 0
    },
    pids: { current: processes },
    io: []
  }
}

/** `startedAtMs`: since when the machine is up. Undefined for groups that pods have no part in. */
export const simulatedUsage = (read: UsageReader, startedAtMs: number) => (path: string, nowMs: number) => {
  const pod = podOf(path)
  const isNode = path === "/"
  if (pod === undefined && !isNode && !path.endsWith("kubepods")) return undefined
  const { cpuNs, memoryBytes, processes } = read(nowMs, pod)
  return isNode
    ? statsOf(
      cpuNs + Math.max(0, nowMs - startedAtMs) * system.millicores * 1000,
      memoryBytes + system.memoryBytes,
      processes + system.processes
    )
    : statsOf(cpuNs, memoryBytes, processes)
}
