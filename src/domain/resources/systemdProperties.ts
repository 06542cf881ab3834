/**
 * Limits of a group as properties of a systemd unit (parity L1, L2): systemd writes the kernel's files itself, by these
 * values, whenever it pleases. What has no property is written into the files alone.
 */
import type { CgroupLimits } from "./cgroupValues.ts"
import { weightOfShares } from "./cpu.ts"

/** A value with its D-Bus type: `t` a 64-bit count, `b` a truth, `s` text, `as` texts, `ay` bytes. */
export type UnitProperty =
  & { readonly name: string }
  & (
    | { readonly type: "t"; readonly value: bigint }
    | { readonly type: "b"; readonly value: boolean }
    | { readonly type: "s"; readonly value: string }
    | { readonly type: "as"; readonly value: ReadonlyArray<string> }
    | { readonly type: "ay"; readonly value: Uint8Array }
  )

/** More than `CgroupLimits`: what `Cgroups` can be asked for, as far as systemd has a word for it. */
export interface UnitLimits extends CgroupLimits {
  readonly cpusetCpus?: string
  readonly cpusetMems?: string
  readonly memoryMinBytes?: number
  readonly memoryHighBytes?: number
  readonly memorySwapMaxBytes?: number
}

/** `infinity`, in the words of systemd. */
const infinity = 2n ** 64n - 1n
const amount = (value: number): bigint => value < 0 ? infinity : BigInt(Math.round(value))
const count = (name: string, value: bigint): UnitProperty => ({ name, type: "t", value })

const whenSet = (name: string, value: number | undefined): ReadonlyArray<UnitProperty> =>
  value === undefined ? [] : [count(name, amount(value))]

const defaultPeriodUs = 100_000
/** systemd knows CPU as whole percents of a second's microseconds. */
const percentUs = 10_000

/** Microseconds of CPU in a second, rounded up to what systemd can say, so that no child's limit is above its parent's. */
const quotaPerSecond = (quotaUs: number, periodUs: number): bigint =>
  quotaUs <= 0 ? infinity : BigInt(Math.ceil((quotaUs * 1_000_000) / periodUs / percentUs) * percentUs)

/** From this version on the period can be said; before, systemd takes its own. */
const sincePeriod = 242
const sinceCpusets = 244

const cpuProperties = (limits: UnitLimits, version: number): ReadonlyArray<UnitProperty> => {
  const { cpuPeriodUs, cpuQuotaUs } = limits
  if (cpuQuotaUs === undefined && cpuPeriodUs === undefined) return []
  return [
    ...(version >= sincePeriod ? whenSet("CPUQuotaPeriodUSec", cpuPeriodUs) : []),
    count("CPUQuotaPerSecUSec", quotaPerSecond(cpuQuotaUs ?? -1, cpuPeriodUs ?? defaultPeriodUs))
  ]
}

/** `0-2,5` as a bit for each, lowest byte first. */
export const bitsOf = (list: string): Uint8Array => {
  const numbers = list.split(",").flatMap((part) => {
    const [first = 0, last = first] = part.split("-").map(Number)
    return Array.from({ length: last - first + 1 }, (_, index) => first + index)
  })
  const bytes = new Uint8Array(Math.floor(Math.max(0, ...numbers) / 8) + 1)
  for (const number of numbers) {
    const at = Math.floor(number / 8)
    bytes[at] = (bytes[at] ?? 0) | (1 << (number % 8))
  }
  return bytes
}

const cpusets = ({ cpusetCpus = "", cpusetMems = "" }: UnitLimits, version: number): ReadonlyArray<UnitProperty> =>
  version < sinceCpusets ? [] : [
    ...(cpusetCpus === "" ? [] : [{ name: "AllowedCPUs", type: "ay" as const, value: bitsOf(cpusetCpus) }]),
    ...(cpusetMems === "" ? [] : [{ name: "AllowedMemoryNodes", type: "ay" as const, value: bitsOf(cpusetMems) }])
  ]

export interface SystemdKind {
  readonly cgroupV2: boolean
  /** Of systemd. */
  readonly version: number
}

const sharesProperty = (shares: number, cgroupV2: boolean): UnitProperty =>
  cgroupV2 ? count("CPUWeight", BigInt(weightOfShares(shares))) : count("CPUShares", BigInt(shares))

/** The properties for these limits; absent limits are left as they are. */
export const limitProperties = (limits: UnitLimits, kind: SystemdKind): ReadonlyArray<UnitProperty> => {
  const { cgroupV2, version } = kind
  return [
    ...(limits.cpuShares === undefined ? [] : [sharesProperty(limits.cpuShares, cgroupV2)]),
    ...cpuProperties(limits, version),
    ...whenSet(cgroupV2 ? "MemoryMax" : "MemoryLimit", limits.memoryLimitBytes),
    ...(cgroupV2
      ? [
        ...cpusets(limits, version),
        ...whenSet("MemoryMin", limits.memoryMinBytes),
        ...whenSet("MemoryHigh", limits.memoryHighBytes),
        ...whenSet("MemorySwapMax", limits.memorySwapMaxBytes)
      ]
      : []),
    ...whenSet("TasksMax", limits.pidsMax)
  ]
}

const truth = (name: string, value: boolean): UnitProperty => ({ name, type: "b", value })

/** What a new slice is started with, beside its limits. */
export const sliceProperties = (unit: string, { cgroupV2 }: SystemdKind): ReadonlyArray<UnitProperty> => [
  { name: "Description", type: "s", value: `pods: ${unit}` },
  { name: "Wants", type: "as", value: [parentSlice(unit)] },
  ...["MemoryAccounting", "CPUAccounting", cgroupV2 ? "IOAccounting" : "BlockIOAccounting", "TasksAccounting"].map(
    (name) => truth(name, true)
  ),
  // Pods outlive what systemd would stop at shutdown; the agent ends them.
  truth("DefaultDependencies", false)
]

/** `a-b-c.slice` lies in `a-b.slice`, `a.slice` in the root slice `-.slice`. */
export const parentSlice = (unit: string): string => {
  const dash = unit.lastIndexOf("-")
  return dash <= 0 ? "-.slice" : `${unit.slice(0, dash)}.slice`
}

/** The slice that a path names: its last part, when every part is a slice of the one before; undefined otherwise. */
export const sliceOfPath = (path: string): string | undefined => {
  const parts = path.split("/").filter((part) => part !== "")
  const last = parts.at(-1)
  if (last === undefined || !parts.every((part) => /^[^-/]+(-[^-/]+)*\.slice$/.test(part))) return undefined
  const chained = parts.every((part, index) => parentSlice(part) === (index === 0 ? "-.slice" : parts[index - 1]))
  return chained ? last : undefined
}
