/** Readings of control groups, and of containers as the runtime tells, in the terms of the statistics. */
import { Clock, Effect, type Option } from "effect"
import { rateOf, type Usage } from "../../../domain/stats/readings.ts"
import type { ContainerStats, PsiStats, UInt64Value } from "../../../gen/cri/api_pb.ts"
import type { Cgroups, CgroupStats } from "../../host/Cgroups.ts"

const ofCgroup = (atMs: number, stats: CgroupStats): Usage => ({
  atMs,
  cpu: { ...stats.cpu, ...(stats.pressure && { pressure: stats.pressure.cpu }) },
  memory: { ...stats.memory, ...(stats.pressure && { pressure: stats.pressure.memory }) },
  ...(stats.swap && { swap: stats.swap }),
  io: { devices: stats.io, ...(stats.pressure && { pressure: stats.pressure.io }) },
  processes: stats.pids.current
})

const present = <K extends string>(name: K, value: UInt64Value | undefined): { readonly [P in K]?: number } =>
  value === undefined ? {} : { [name]: Number(value.value) } as { readonly [P in K]: number }

const pressureOf = (psi: PsiStats | undefined) => {
  const line = (data: PsiStats["Full"]) => ({
    avg10: data?.Avg10 ?? 0,
    avg60: data?.Avg60 ?? 0,
    avg300: data?.Avg300 ?? 0,
    totalUs: Number(data?.Total ?? 0)
  })
  return psi === undefined ? {} : { pressure: { some: line(psi.Some), full: line(psi.Full) } }
}

/** What the runtime tells of a container, for where its control group is not known. */
export const ofRuntime = (stats: ContainerStats, nowMs: number): Usage => {
  const { cpu, memory, swap } = stats
  const at = cpu?.timestamp ?? memory?.timestamp ?? 0n
  return {
    atMs: at === 0n ? nowMs : Number(at / 1_000_000n),
    ...(cpu?.usageCoreNanoSeconds && {
      cpu: {
        usageNs: Number(cpu.usageCoreNanoSeconds.value),
        ...present("nanoCores", cpu.usageNanoCores),
        ...pressureOf(cpu.psi)
      }
    }),
    ...(memory && {
      memory: {
        ...present("workingSetBytes", memory.workingSetBytes),
        ...present("availableBytes", memory.availableBytes),
        ...present("usageBytes", memory.usageBytes),
        ...present("rssBytes", memory.rssBytes),
        ...present("pageFaults", memory.pageFaults),
        ...present("majorPageFaults", memory.majorPageFaults),
        ...pressureOf(memory.psi)
      }
    }),
    ...(swap && {
      swap: { ...present("usageBytes", swap.swapUsageBytes), ...present("availableBytes", swap.swapAvailableBytes) }
    })
  }
}

const rateWindowMs = 1000

/**
 * Reads control groups, and remembers what it read: how fast a group uses the processor is the difference to the time
 * before. Groups that were not asked for since the last `forget` are forgotten by the next.
 */
export const makeGroupReader = (cgroups: Cgroups["Service"]) => {
  interface Seen {
    readonly atMs: number
    readonly usageNs: number
    readonly nanoCores: number | undefined
  }
  let last = new Map<string, Seen>()
  let asked = new Map<string, Seen>()

  const withRate = (key: string, usage: Usage): Usage => {
    if (usage.cpu === undefined || usage.cpu.nanoCores !== undefined) {
      return usage
    }
    const before = asked.get(key) ?? last.get(key)
    const now = { atMs: usage.atMs, usageNs: usage.cpu.usageNs }
    // A rate over a moment is noise: the one before holds until the window is over.
    const seen = before !== undefined && now.atMs - before.atMs < rateWindowMs
      ? before
      : { ...now, nanoCores: before && rateOf(before, now) }
    asked.set(key, seen)
    return seen.nanoCores === undefined ? usage : { ...usage, cpu: { ...usage.cpu, nanoCores: seen.nanoCores } }
  }

  return {
    withRate,
    /** None for a group that is not there (any more). */
    read: (path: string): Effect.Effect<Option.Option<Usage>> =>
      Effect.all({ stats: cgroups.stats(path), atMs: Clock.currentTimeMillis }).pipe(
        Effect.map(({ atMs, stats }) => withRate(path, ofCgroup(atMs, stats))),
        Effect.option
      ),
    forget: (): void => {
      last = asked
      asked = new Map()
    }
  }
}
