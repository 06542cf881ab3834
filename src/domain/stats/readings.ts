/** What was measured of the node, its pods and containers at one time: the one source of every endpoint of statistics. */

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

/** Of one control group, or of a container as its runtime tells. Absent values are unknown. */
export interface Usage {
  readonly atMs: number
  readonly cpu?: {
    readonly usageNs: number
    readonly nanoCores?: number
    readonly userNs?: number
    readonly systemNs?: number
    readonly periods?: number
    readonly throttledPeriods?: number
    readonly throttledNs?: number
    readonly pressure?: Pressure
  }
  readonly memory?: {
    readonly usageBytes?: number
    readonly workingSetBytes?: number
    readonly availableBytes?: number
    readonly rssBytes?: number
    readonly cacheBytes?: number
    readonly mappedFileBytes?: number
    readonly maxUsageBytes?: number
    readonly pageFaults?: number
    readonly majorPageFaults?: number
    readonly limitBytes?: number
    readonly oomKills?: number
    readonly pressure?: Pressure
  }
  readonly swap?: { readonly usageBytes?: number; readonly availableBytes?: number; readonly limitBytes?: number }
  readonly io?: {
    readonly devices: ReadonlyArray<{
      readonly device: string
      readonly readBytes: number
      readonly writeBytes: number
      readonly reads: number
      readonly writes: number
    }>
    readonly pressure?: Pressure
  }
  readonly processes?: number
}

export interface FsReading {
  readonly atMs: number
  readonly capacityBytes?: number
  readonly availableBytes?: number
  readonly usedBytes?: number
  readonly inodes?: number
  readonly inodesFree?: number
  readonly inodesUsed?: number
}

export interface InterfaceReading {
  readonly name: string
  readonly rxBytes: number
  readonly rxErrors: number
  readonly txBytes: number
  readonly txErrors: number
}

export interface NetworkReading {
  readonly atMs: number
  /** The interface whose values stand for all. */
  readonly main: string
  readonly interfaces: ReadonlyArray<InterfaceReading>
}

export interface ContainerReading {
  readonly name: string
  readonly id: string
  readonly image: string
  readonly startedAtMs: number
  readonly cgroup?: string
  readonly usage: Usage
  readonly rootfs?: FsReading
  readonly logs?: FsReading
}

export interface VolumeReading extends FsReading {
  readonly name: string
  readonly claim?: { readonly name: string; readonly namespace: string }
}

export interface PodReading {
  readonly name: string
  readonly namespace: string
  readonly uid: string
  readonly startedAtMs: number
  readonly cgroup?: string
  readonly sandboxId?: string
  readonly usage?: Usage
  readonly network?: NetworkReading
  readonly containers: ReadonlyArray<ContainerReading>
  readonly volumes: ReadonlyArray<VolumeReading>
  readonly ephemeral?: FsReading
}

export interface SystemReading {
  readonly name: string
  readonly cgroup: string
  readonly usage: Usage
}

export interface NodeReading {
  readonly name: string
  readonly atMs: number
  readonly bootedAtMs: number
  readonly cpus: number
  readonly memoryBytes: number
  readonly usage?: Usage
  readonly system: ReadonlyArray<SystemReading>
  readonly network?: NetworkReading
  readonly rootFs?: FsReading
  readonly imageFs?: FsReading
  readonly containerFs?: FsReading
  readonly processes?: { readonly max: number; readonly running: number }
}

export interface StatsReading {
  readonly node: NodeReading
  readonly pods: ReadonlyArray<PodReading>
}

/** Of pods with one name only the newest counts: the other is on its way out. */
export const newestOfEachName = (pods: ReadonlyArray<PodReading>): ReadonlyArray<PodReading> => {
  const newest = new Map<string, PodReading>()
  for (const pod of pods) {
    const key = `${pod.namespace}/${pod.name}`
    const other = newest.get(key)
    if (other === undefined || other.startedAtMs < pod.startedAtMs) {
      newest.set(key, pod)
    }
  }
  return [...newest.values()]
}

/** Usage per second between two readings of a counter that only grows; none when it did not, or time did not. */
export const rateOf = (
  before: { readonly atMs: number; readonly usageNs: number },
  now: { readonly atMs: number; readonly usageNs: number }
): number | undefined =>
  now.atMs > before.atMs && now.usageNs >= before.usageNs
    ? Math.round(((now.usageNs - before.usageNs) / (now.atMs - before.atMs)) * 1000)
    : undefined
