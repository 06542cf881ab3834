/** What the pods of a simulated runtime use of the machine, all in all, as control groups would count it. */
import type { ContainerRecord, RuntimeHappening } from "./records.ts"
import type { SimRuntime } from "./SimRuntime.ts"

export interface SimUsage {
  /** Since the machine was started: never less than before. */
  readonly cpuNs: number
  readonly memoryBytes: number
  readonly processes: number
}

/** What a container takes of which nobody said anything. */
export const defaultMillicores = 2

/** Coming up costs some milliseconds of CPU. */
export const containerCpuNs = (record: ContainerRecord, now: number): number => {
  if (record.state === "Created" || record.state === "Starting") return 0
  const end = record.state === "Running" ? Math.max(now, record.startedAtMs) : record.finishedAtMs
  return 20_000_000 + (end - record.startedAtMs) * (record.script.cpuMillicores ?? defaultMillicores) * 1000
}

/** The usage of the pod of that UID, or of all. */
export type UsageReader = (now: number, podUid?: string) => SimUsage

export const readUsage = (runtime: SimRuntime): UsageReader => {
  // What removed containers have used stays used.
  const gone = new Map<string, number>()
  let goneInAll = 0
  runtime.listeners.add(({ atMs, container, kind, sandbox }: RuntimeHappening) => {
    if (kind !== "Deleted") return
    if (container === undefined) {
      gone.delete(sandbox.uid)
      return
    }
    const used = containerCpuNs(container, atMs)
    goneInAll += used
    gone.set(sandbox.uid, (gone.get(sandbox.uid) ?? 0) + used)
  })
  return (now, podUid) => {
    const sum = { cpuNs: podUid === undefined ? goneInAll : gone.get(podUid) ?? 0, memoryBytes: 0, processes: 0 }
    for (const container of runtime.containers.values()) {
      if (podUid !== undefined && container.sandbox.uid !== podUid) continue
      sum.cpuNs += containerCpuNs(container, now)
      sum.memoryBytes += runtime.memoryBytes(container, now)
      if (container.state === "Running") sum.processes += 1
    }
    return sum
  }
}
