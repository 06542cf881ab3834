/** What building CRI requests needs to know of the node: its configuration and its hardware, the same for every pod. */
import type { ResourceList } from "../k8s/fields.ts"
import { type CgroupNaming, defaultNaming } from "../resources/cgroupNames.ts"
import { defaultQuotaPeriodUs } from "../resources/cpu.ts"
import type { MemoryQosSettings } from "../resources/memoryQos.ts"
import type { SwapSettings } from "../resources/swap.ts"

export interface DnsSettings {
  /** `clusterDNS`. */
  readonly servers: ReadonlyArray<string>
  /** `clusterDomain`, empty when there is none. */
  readonly domain: string
  /** Text of the host's resolver file; undefined when `resolvConf` is set to nothing, which turns lookups off. */
  readonly hostResolvConf: string | undefined
}

export interface NodeSettings {
  /** `/var/lib/kubelet`. */
  readonly rootDir: string
  /** `podLogsDir`. */
  readonly podLogsDir: string
  readonly nodeName: string
  /** Primary family first. */
  readonly hostIPs: ReadonlyArray<string>
  readonly allocatable: ResourceList
  readonly memoryCapacityBytes: number
  readonly dns: DnsSettings
  readonly cgroups: CgroupNaming
  readonly cgroupV2: boolean
  readonly cpuCfsQuota: boolean
  readonly cpuCfsQuotaPeriodUs: number
  /** Page sizes as the kernel names them: `2MB`, `1GB`. */
  readonly hugePageSizes: ReadonlyArray<string>
  readonly swap: SwapSettings
  /** Present where the gate MemoryQoS is on (v2 only). */
  readonly memoryQos?: MemoryQosSettings
  /** `singleProcessOOMKill`: false lets an OOM kill take the container's whole group (v2). */
  readonly singleProcessOomKill: boolean
  /** `seccompDefault`. */
  readonly seccompDefault: boolean
  readonly selinuxEnabled: boolean
  /** Existing `thermal_throttle` folders below `/sys/devices/system/cpu`, which leak the host's load (parity E11). */
  readonly thermalThrottlePaths: ReadonlyArray<string>
}

/** A plain node, to be spread and overridden. */
export const defaultNodeSettings: NodeSettings = {
  rootDir: "/var/lib/kubelet",
  podLogsDir: "/var/log/pods",
  nodeName: "localhost",
  hostIPs: [],
  allocatable: {},
  memoryCapacityBytes: 2 ** 30,
  dns: { servers: [], domain: "", hostResolvConf: "" },
  cgroups: defaultNaming,
  cgroupV2: true,
  cpuCfsQuota: true,
  cpuCfsQuotaPeriodUs: defaultQuotaPeriodUs,
  hugePageSizes: [],
  swap: { behavior: "NoSwap", controllerAvailable: false, nodeMemoryBytes: 2 ** 30, nodeSwapBytes: 0 },
  singleProcessOomKill: false,
  seccompDefault: false,
  selinuxEnabled: false,
  thermalThrottlePaths: []
}
