/**
 * The node's control groups by path, whatever the kernel's layout. A path is absolute within every hierarchy
 * (`/kubepods/burstable/pod<uid>`); the implementation knows where the hierarchies are and how v1 and v2 name things.
 */
import { Context, type Effect, Schema } from "effect"
import { Failure } from "../../domain/failure.ts"

export class CgroupError extends Schema.TaggedError<CgroupError>()("CgroupError", {
  op: Schema.String,
  path: Schema.String,
  reason: Failure,
  code: Schema.String,
  detail: Schema.String,
  cause: Schema.optionalKey(Schema.Defect())
}) {
  override get message(): string {
    return `${this.op} ${this.path}: ${this.detail}`
  }
}

/** `hybrid`: v1 controllers beside a v2 tree without any. It behaves as v1. */
export type CgroupMode = "v1" | "v2" | "hybrid"

/** What to set; absent values are left as they are. On a kernel that lacks a controller its values are skipped. */
export interface CgroupResources {
  /** v1 scale, 2…262144; written as `cpu.weight` on v2. */
  readonly cpuShares?: number
  /** -1 for no limit. */
  readonly cpuQuotaUs?: number
  readonly cpuPeriodUs?: number
  readonly cpusetCpus?: string
  readonly cpusetMems?: string
  /** -1 for no limit. */
  readonly memoryLimitBytes?: number
  /** v2 only. */
  readonly memoryMinBytes?: number
  /** v2 only; -1 for no limit. */
  readonly memoryHighBytes?: number
  /** v2 only; -1 for no limit. */
  readonly memorySwapMaxBytes?: number
  /** v2 only: an OOM kill takes the whole group. */
  readonly memoryOomGroup?: boolean
  /** -1 for no limit. */
  readonly pidsMax?: number
  /** By page size as the kernel names it: `2MB`, `1GB`. */
  readonly hugePageLimitBytes?: Readonly<Record<string, number>>
  /** v2 files and values as they are. */
  readonly unified?: Readonly<Record<string, string>>
}

/** The values in force, in the terms of `CgroupResources`; absent where the kernel has no such thing. */
export interface CgroupValues {
  readonly cpuShares?: number
  readonly cpuQuotaUs?: number
  readonly cpuPeriodUs?: number
  readonly cpusetCpus?: string
  readonly memoryLimitBytes?: number
  readonly pidsMax?: number
}

/** Share of time, in percent, in which some or all tasks waited for the resource. */
export interface PressureLine {
  readonly avg10: number
  readonly avg60: number
  readonly avg300: number
  readonly totalUs: number
}
export interface Pressure {
  readonly some: PressureLine
  readonly full: PressureLine
}

export interface CgroupStats {
  readonly cpu: {
    readonly usageNs: number
    readonly userNs: number
    readonly systemNs: number
    readonly periods: number
    readonly throttledPeriods: number
    readonly throttledNs: number
  }
  readonly memory: {
    readonly usageBytes: number
    /** Usage without the inactive file cache, as eviction and metrics count it. */
    readonly workingSetBytes: number
    readonly rssBytes: number
    readonly cacheBytes: number
    readonly mappedFileBytes: number
    readonly maxUsageBytes: number
    readonly pageFaults: number
    readonly majorPageFaults: number
    /** Absent without a limit. */
    readonly limitBytes?: number
    /** OOM kills of this group so far. */
    readonly oomKills: number
  }
  readonly swap?: { readonly usageBytes: number; readonly limitBytes?: number }
  readonly pids: { readonly current: number; readonly max?: number }
  readonly io: ReadonlyArray<{
    readonly device: string
    readonly readBytes: number
    readonly writeBytes: number
    readonly reads: number
    readonly writes: number
  }>
  readonly pressure?: { readonly cpu: Pressure; readonly memory: Pressure; readonly io: Pressure }
}

export class Cgroups extends Context.Service<Cgroups, {
  readonly mode: Effect.Effect<CgroupMode, CgroupError>
  /** Names of the controllers that can be used: `cpu`, `cpuset`, `memory`, `pids`, `hugetlb`, … */
  readonly controllers: Effect.Effect<ReadonlyArray<string>, CgroupError>
  readonly exists: (path: string) => Effect.Effect<boolean, CgroupError>
  /** Makes the group in every hierarchy, with its parents and their controllers enabled, then applies; repeatable. */
  readonly create: (path: string, resources?: CgroupResources) => Effect.Effect<void, CgroupError>
  readonly apply: (path: string, resources: CgroupResources) => Effect.Effect<void, CgroupError>
  /**
   * Kills every process in the group and below, then removes the tree; absence is a success. Fails `Retryable` with
   * `EBUSY` when processes outlive SIGKILL for longer than the implementation waits.
   */
  readonly destroy: (path: string) => Effect.Effect<void, CgroupError>
  /** Absent group: `NotFound`. */
  readonly values: (path: string) => Effect.Effect<CgroupValues, CgroupError>
  readonly stats: (path: string) => Effect.Effect<CgroupStats, CgroupError>
  /** Process ids in the group and below, ascending; empty for an absent group. */
  readonly pids: (path: string) => Effect.Effect<ReadonlyArray<number>, CgroupError>
  /** SIGKILL to every process in the group and below; does not wait for their end. */
  readonly killAll: (path: string) => Effect.Effect<void, CgroupError>
  /** Moves a process into the group. */
  readonly enter: (path: string, pid: number) => Effect.Effect<void, CgroupError>
  /** Names of the direct children, sorted; empty for an absent group. */
  readonly children: (path: string) => Effect.Effect<ReadonlyArray<string>, CgroupError>
}>()("kubeffect/layers/host/Cgroups") {}
