/** Statistics of a group from the files of v1 and of v2. */
import type { CgroupStats } from "../Cgroups.ts"
import { keyed, parsePressure, type ReadFile } from "./cgroupFiles.ts"

/** `USER_HZ`: what Linux counts process time in for user space. */
const tickNs = 10_000_000
const unlimited = 2 ** 60

const count = (text: string | undefined): number => Number(text?.trim() ?? 0) || 0

const bounded = (text: string | undefined): number | undefined => {
  const value = Number(text?.trim())
  return text === undefined || Number.isNaN(value) || value >= unlimited ? undefined : value
}

const optional = <K extends string>(key: K, value: number | undefined): { readonly [P in K]?: number } =>
  (value === undefined ? {} : { [key]: value }) as { readonly [P in K]?: number }

type Io = CgroupStats["io"][number]

/** `8:0 rbytes=1 wbytes=2 rios=3 wios=4 …` */
const ioV2 = (text: string | undefined): ReadonlyArray<Io> =>
  (text ?? "").split("\n").flatMap((line) => {
    const [device, ...fields] = line.split(" ")
    if (device === undefined || device === "") return []
    const field = (name: string) =>
      Number(fields.find((one) => one.startsWith(`${name}=`))?.slice(name.length + 1) ?? 0)
    return [{
      device,
      readBytes: field("rbytes"),
      writeBytes: field("wbytes"),
      reads: field("rios"),
      writes: field("wios")
    }]
  })

/** `8:0 Read 1` lines, once for bytes and once for operations. */
const ioV1 = (bytes: string | undefined, operations: string | undefined): ReadonlyArray<Io> => {
  const devices = new Map<string, { readBytes: number; writeBytes: number; reads: number; writes: number }>()
  const each = (text: string | undefined, read: "readBytes" | "reads", write: "writeBytes" | "writes") => {
    for (const line of text?.split("\n") ?? []) {
      const [device, kind, value] = line.split(" ")
      if (device === undefined || value === undefined || (kind !== "Read" && kind !== "Write")) continue
      const at = devices.get(device) ?? { readBytes: 0, writeBytes: 0, reads: 0, writes: 0 }
      at[kind === "Read" ? read : write] += Number(value)
      devices.set(device, at)
    }
  }
  each(bytes, "readBytes", "writeBytes")
  each(operations, "reads", "writes")
  return [...devices].map(([device, counts]) => ({ device, ...counts }))
}

export const statsV1 = (read: ReadFile): CgroupStats => {
  const throttling = keyed(read("cpu", "cpu.stat"))
  const ticks = keyed(read("cpuacct", "cpuacct.stat"))
  const memory = keyed(read("memory", "memory.stat"))
  const usageBytes = count(read("memory", "memory.usage_in_bytes"))
  return {
    cpu: {
      usageNs: count(read("cpuacct", "cpuacct.usage")),
      userNs: (ticks["user"] ?? 0) * tickNs,
      systemNs: (ticks["system"] ?? 0) * tickNs,
      periods: throttling["nr_periods"] ?? 0,
      throttledPeriods: throttling["nr_throttled"] ?? 0,
      throttledNs: throttling["throttled_time"] ?? 0
    },
    memory: {
      usageBytes,
      workingSetBytes: Math.max(0, usageBytes - (memory["total_inactive_file"] ?? 0)),
      rssBytes: memory["total_rss"] ?? 0,
      cacheBytes: memory["total_cache"] ?? 0,
      mappedFileBytes: memory["total_mapped_file"] ?? 0,
      maxUsageBytes: count(read("memory", "memory.max_usage_in_bytes")),
      pageFaults: memory["total_pgfault"] ?? 0,
      majorPageFaults: memory["total_pgmajfault"] ?? 0,
      oomKills: keyed(read("memory", "memory.oom_control"))["oom_kill"] ?? 0,
      ...optional("limitBytes", bounded(read("memory", "memory.limit_in_bytes")))
    },
    swap: { usageBytes: memory["total_swap"] ?? 0 },
    pids: { current: count(read("pids", "pids.current")), ...optional("max", bounded(read("pids", "pids.max"))) },
    io: ioV1(
      read("blkio", "blkio.throttle.io_service_bytes_recursive"),
      read("blkio", "blkio.throttle.io_serviced_recursive")
    )
  }
}

export const statsV2 = (read: ReadFile): CgroupStats => {
  const cpu = keyed(read("cpu", "cpu.stat"))
  const memory = keyed(read("memory", "memory.stat"))
  const usageBytes = count(read("memory", "memory.current"))
  const pressure = [read("cpu", "cpu.pressure"), read("memory", "memory.pressure"), read("io", "io.pressure")] as const
  return {
    cpu: {
      usageNs: (cpu["usage_usec"] ?? 0) * 1000,
      userNs: (cpu["user_usec"] ?? 0) * 1000,
      systemNs: (cpu["system_usec"] ?? 0) * 1000,
      periods: cpu["nr_periods"] ?? 0,
      throttledPeriods: cpu["nr_throttled"] ?? 0,
      throttledNs: (cpu["throttled_usec"] ?? 0) * 1000
    },
    memory: {
      usageBytes,
      workingSetBytes: Math.max(0, usageBytes - (memory["inactive_file"] ?? 0)),
      rssBytes: memory["anon"] ?? 0,
      cacheBytes: memory["file"] ?? 0,
      mappedFileBytes: memory["file_mapped"] ?? 0,
      maxUsageBytes: count(read("memory", "memory.peak")),
      pageFaults: memory["pgfault"] ?? 0,
      majorPageFaults: memory["pgmajfault"] ?? 0,
      oomKills: keyed(read("memory", "memory.events"))["oom_kill"] ?? 0,
      ...optional("limitBytes", bounded(read("memory", "memory.max")))
    },
    swap: {
      usageBytes: count(read("memory", "memory.swap.current")),
      ...optional("limitBytes", bounded(read("memory", "memory.swap.max")))
    },
    pids: { current: count(read("pids", "pids.current")), ...optional("max", bounded(read("pids", "pids.max"))) },
    io: ioV2(read("io", "io.stat")),
    ...(pressure.every((text) => text !== undefined)
      ? {
        pressure: {
          cpu: parsePressure(pressure[0] ?? ""),
          memory: parsePressure(pressure[1] ?? ""),
          io: parsePressure(pressure[2] ?? "")
        }
      }
      : {})
  }
}
