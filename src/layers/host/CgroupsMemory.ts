/** Control groups in memory. The handle is the kernel: it outlives the agents, and the simulated runtime moves in it. */
import { Clock, Effect, Layer } from "effect"
import {
  CgroupError,
  type CgroupMode,
  type CgroupResources,
  Cgroups,
  type CgroupStats,
  type CgroupValues
} from "./Cgroups.ts"
import { errnoReason, errnoText } from "./errno.ts"

export interface MemoryCgroup {
  values: CgroupResources
  readonly pids: Set<number>
  /** What the group is said to have used; nothing used until somebody says so. */
  stats: CgroupStats | undefined
}

const idle: CgroupStats = {
  cpu: { usageNs: 0, userNs: 0, systemNs: 0, periods: 0, throttledPeriods: 0, throttledNs: 0 },
  memory: {
    usageBytes: 0,
    workingSetBytes: 0,
    rssBytes: 0,
    cacheBytes: 0,
    mappedFileBytes: 0,
    maxUsageBytes: 0,
    pageFaults: 0,
    majorPageFaults: 0,
    oomKills: 0
  },
  pids: { current: 0 },
  io: []
}

const controllerNames = ["cpu", "cpuset", "hugetlb", "io", "memory", "pids"]

/** `/a//b/` and `/a/b` are one group. */
const normal = (path: string): string => `/${path.split("/").filter((part) => part !== "").join("/")}`

const fail = (op: string, path: string, code: string) =>
  Effect.fail(new CgroupError({ op, path, reason: errnoReason(code), code, detail: errnoText(code) }))

export class MemoryCgroups {
  readonly mode: CgroupMode
  readonly groups = new Map<string, MemoryCgroup>()
  /** Processes that do not die by SIGKILL, as one that hangs in the kernel. */
  readonly unkillable = new Set<number>()

  constructor(mode: CgroupMode = "v2") {
    this.mode = mode
    this.groups.set("/", { values: {}, pids: new Set(), stats: undefined })
  }

  make(path: string): MemoryCgroup {
    const name = normal(path)
    const there = this.groups.get(name)
    if (there !== undefined) return there
    this.make(name.slice(0, name.lastIndexOf("/")) || "/")
    const group: MemoryCgroup = {
      values: { cpuShares: 1024, cpuQuotaUs: -1, cpuPeriodUs: 100_000, memoryLimitBytes: -1, pidsMax: -1 },
      pids: new Set(),
      stats: undefined
    }
    this.groups.set(name, group)
    return group
  }

  /** The group and all below it, deepest last. */
  tree(path: string): ReadonlyArray<readonly [string, MemoryCgroup]> {
    const name = normal(path)
    const below = name === "/" ? "/" : `${name}/`
    return [...this.groups].filter(([one]) => one === name || one.startsWith(below)).sort((
      [a],
      [b]
    ) => (a < b ? -1 : 1))
  }

  pids(path: string): ReadonlyArray<number> {
    return this.tree(path).flatMap(([, group]) => [...group.pids]).sort((one, other) => one - other)
  }

  killAll(path: string): void {
    for (const [, group] of this.tree(path)) {
      for (const pid of group.pids) if (!this.unkillable.has(pid)) group.pids.delete(pid)
    }
  }

  enter(path: string, pid: number): void {
    for (const group of this.groups.values()) group.pids.delete(pid)
    this.make(path).pids.add(pid)
  }
}

const toValues = (
  { cpuPeriodUs, cpuQuotaUs, cpuShares, cpusetCpus, memoryLimitBytes, pidsMax }: CgroupResources
): CgroupValues => ({
  ...(cpuShares === undefined ? {} : { cpuShares }),
  ...(cpuQuotaUs === undefined ? {} : { cpuQuotaUs }),
  ...(cpuPeriodUs === undefined ? {} : { cpuPeriodUs }),
  ...(cpusetCpus === undefined ? {} : { cpusetCpus }),
  ...(memoryLimitBytes === undefined ? {} : { memoryLimitBytes }),
  ...(pidsMax === undefined ? {} : { pidsMax })
})

/** What a group uses of which the handle says nothing. */
export type CgroupUsage = (path: string, nowMs: number) => CgroupStats | undefined

export const layer = (
  handle: MemoryCgroups = new MemoryCgroups(),
  usage: CgroupUsage = () => undefined
): Layer.Layer<Cgroups> => {
  const group = (op: string, path: string) =>
    Effect.suspend(() => {
      const found = handle.groups.get(normal(path))
      return found === undefined ? fail(op, path, "ENOENT") : Effect.succeed(found)
    })

  const apply = (op: string, path: string, resources: CgroupResources) =>
    Effect.map(group(op, path), (found) => {
      found.values = { ...found.values, ...resources }
    })

  return Layer.succeed(
    Cgroups,
    Cgroups.of({
      mode: Effect.succeed(handle.mode),
      controllers: Effect.succeed(controllerNames),
      exists: (path) => Effect.sync(() => handle.groups.has(normal(path))),
      create: (path, resources = {}) =>
        Effect.sync(() => handle.make(path)).pipe(Effect.andThen(apply("create", path, resources))),
      apply: (path, resources) => apply("apply", path, resources),
      destroy: (path) =>
        Effect.suspend(() => {
          if (normal(path) === "/") return fail("destroy", path, "EINVAL")
          handle.killAll(path)
          if (handle.pids(path).length > 0) return fail("destroy", path, "EBUSY")
          for (const [name] of handle.tree(path)) handle.groups.delete(name)
          return Effect.void
        }),
      values: (path) => Effect.map(group("values", path), (found) => toValues(found.values)),
      stats: (path) =>
        Effect.all([group("stats", path), Clock.currentTimeMillis]).pipe(Effect.map(([found, now]) => {
          const used = found.stats === undefined ? usage(normal(path), now) : undefined
          return used ?? {
            ...(found.stats ?? idle),
            pids: { ...found.stats?.pids, current: handle.pids(path).length }
          }
        })),
      pids: (path) => Effect.sync(() => handle.pids(path)),
      killAll: (path) => Effect.sync(() => handle.killAll(path)),
      enter: (path, pid) => Effect.andThen(group("enter", path), Effect.sync(() => handle.enter(path, pid))),
      children: (path) =>
        Effect.sync(() => {
          const prefix = normal(path) === "/" ? "/" : `${normal(path)}/`
          return handle.tree(path)
            .map(([name]) => name.slice(prefix.length))
            .filter((name) => name !== "" && !name.includes("/"))
        })
    })
  )
}
