/** How cgroup v1 and v2 name and write the same values: the tables between `CgroupResources` and the kernel's files. */
import type { CgroupResources, CgroupValues, Pressure, PressureLine } from "../Cgroups.ts"

/** A file to write in the group, and the controller that provides it. */
export interface CgroupWrite {
  readonly controller: string
  readonly file: string
  readonly value: string
}

/** The scale change the kubelet uses between `cpu.shares` and `cpu.weight` (L2). */
export const sharesToWeight = (shares: number): number =>
  1 + Math.floor(((Math.max(2, Math.min(262_144, shares)) - 2) * 9999) / 262_142)

export const weightToShares = (weight: number): number => 2 + Math.ceil(((weight - 1) * 262_142) / 9999)

const orMax = (value: number): string => (value < 0 ? "max" : String(value))

const write = (controller: string, file: string, value: string | number | undefined): ReadonlyArray<CgroupWrite> =>
  value === undefined ? [] : [{ controller, file, value: String(value) }]

const map = <A, B>(
  value: A | undefined,
  f: (value: A) => B
): B | undefined => (value === undefined ? undefined : f(value))

/** In the order in which the kernel accepts them: the period before the quota that must fit it. */
export const writesV1 = (resources: CgroupResources): ReadonlyArray<CgroupWrite> => [
  ...write("cpu", "cpu.shares", resources.cpuShares),
  ...write("cpu", "cpu.cfs_period_us", resources.cpuPeriodUs),
  ...write("cpu", "cpu.cfs_quota_us", resources.cpuQuotaUs),
  ...write("cpuset", "cpuset.cpus", resources.cpusetCpus),
  ...write("cpuset", "cpuset.mems", resources.cpusetMems),
  ...write("memory", "memory.limit_in_bytes", resources.memoryLimitBytes),
  ...write("pids", "pids.max", map(resources.pidsMax, orMax)),
  ...Object.entries(resources.hugePageLimitBytes ?? {}).flatMap(([size, bytes]) =>
    write("hugetlb", `hugetlb.${size}.limit_in_bytes`, bytes)
  )
]

const cpuMax = (resources: CgroupResources): string | undefined =>
  resources.cpuQuotaUs === undefined
    ? undefined
    : `${orMax(resources.cpuQuotaUs)} ${resources.cpuPeriodUs ?? 100_000}`

export const writesV2 = (resources: CgroupResources): ReadonlyArray<CgroupWrite> => [
  ...write("cpu", "cpu.weight", map(resources.cpuShares, sharesToWeight)),
  ...write("cpu", "cpu.max", cpuMax(resources)),
  ...write("cpuset", "cpuset.cpus", resources.cpusetCpus),
  ...write("cpuset", "cpuset.mems", resources.cpusetMems),
  ...write("memory", "memory.min", resources.memoryMinBytes),
  ...write("memory", "memory.high", map(resources.memoryHighBytes, orMax)),
  ...write("memory", "memory.max", map(resources.memoryLimitBytes, orMax)),
  ...write("memory", "memory.swap.max", map(resources.memorySwapMaxBytes, orMax)),
  ...write("memory", "memory.oom.group", map(resources.memoryOomGroup, (group) => (group ? 1 : 0))),
  ...write("pids", "pids.max", map(resources.pidsMax, orMax)),
  ...Object.entries(resources.hugePageLimitBytes ?? {}).flatMap(([size, bytes]) =>
    write("hugetlb", `hugetlb.${size}.max`, bytes)
  ),
  ...Object.entries(resources.unified ?? {}).flatMap(([file, value]) => write(file.split(".")[0] ?? "", file, value))
]

/** Reads a file of one controller; nothing where there is none. */
export type ReadFile = (controller: string, file: string) => string | undefined

const number = (text: string | undefined): number | undefined =>
  text === undefined || !/^-?\d+$/.test(text.trim()) ? undefined : Number(text.trim())

/** What v1 shows for "no limit": the largest page-aligned number. */
const unlimitedV1 = 2 ** 60

/** -1 for `max`. */
const limit = (text: string | undefined): number | undefined => {
  if (text?.trim() === "max") return -1
  const value = number(text)
  return value !== undefined && value >= unlimitedV1 ? -1 : value
}

const defined = <A extends object>(values: { readonly [K in keyof A]: A[K] | undefined }): A =>
  Object.fromEntries(Object.entries(values).filter(([, value]) => value !== undefined)) as A

export const valuesV1 = (read: ReadFile): CgroupValues =>
  defined<CgroupValues>({
    cpuShares: number(read("cpu", "cpu.shares")),
    cpuQuotaUs: number(read("cpu", "cpu.cfs_quota_us")),
    cpuPeriodUs: number(read("cpu", "cpu.cfs_period_us")),
    cpusetCpus: read("cpuset", "cpuset.cpus")?.trim(),
    memoryLimitBytes: limit(read("memory", "memory.limit_in_bytes")),
    pidsMax: limit(read("pids", "pids.max"))
  })

export const valuesV2 = (read: ReadFile): CgroupValues => {
  const [quota, period] = read("cpu", "cpu.max")?.trim().split(" ") ?? []
  return defined<CgroupValues>({
    cpuShares: map(number(read("cpu", "cpu.weight")), weightToShares),
    cpuQuotaUs: limit(quota),
    cpuPeriodUs: number(period),
    cpusetCpus: read("cpuset", "cpuset.cpus")?.trim(),
    memoryLimitBytes: limit(read("memory", "memory.max")),
    pidsMax: limit(read("pids", "pids.max"))
  })
}

/** `key value` lines. */
export const keyed = (text: string | undefined): Readonly<Record<string, number>> => {
  const values: Record<string, number> = Object.create(null)
  for (const line of text?.split("\n") ?? []) {
    const [key, value] = line.split(" ")
    if (key !== undefined && value !== undefined) values[key] = Number(value)
  }
  return values
}

const pressureLine = (text: string, kind: string): PressureLine => {
  const line = text.split("\n").find((one) => one.startsWith(`${kind} `)) ?? ""
  const field = (name: string) => Number(new RegExp(`${name}=([\\d.]+)`).exec(line)?.[1] ?? 0)
  return { avg10: field("avg10"), avg60: field("avg60"), avg300: field("avg300"), totalUs: field("total") }
}

export const parsePressure = (text: string): Pressure => ({
  some: pressureLine(text, "some"),
  full: pressureLine(text, "full")
})
