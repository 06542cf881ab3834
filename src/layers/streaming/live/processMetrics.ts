/** `process_*`: what this process uses, under the names that every Prometheus client has for it. */
import { Effect } from "effect"
import * as fs from "node:fs/promises"
import { performance } from "node:perf_hooks"
import { type Family, single } from "../../../domain/stats/exposition.ts"

const readSelf = (name: string): Promise<string> => fs.readFile(`/proc/self/${name}`, "utf8").catch(() => "")

/** Values that the system does not tell are left out. */
export const processFamilies: Effect.Effect<ReadonlyArray<Family>> = Effect.promise(async () => {
  const [statm, limits, fds] = await Promise.all([
    readSelf("statm"),
    readSelf("limits"),
    fs.readdir("/proc/self/fd").then((names) => names.length, () => undefined)
  ])
  const { system, user } = process.cpuUsage()
  const { heapTotal, heapUsed, rss } = process.memoryUsage()
  const pages = Number(statm.split(" ")[0])
  const maxFds = /^Max open files\s+(\d+)/m.exec(limits)?.[1]
  return [
    single(
      "process_cpu_seconds_total",
      "counter",
      "Total user and system CPU time spent in seconds.",
      (user + system) / 1e6
    ),
    single("process_resident_memory_bytes", "gauge", "Resident memory size in bytes.", rss),
    single("process_start_time_seconds", "gauge", "Start time of the process since unix epoch in seconds.", startTime),
    single("nodejs_heap_size_total_bytes", "gauge", "Process heap size from Node.js in bytes.", heapTotal),
    single("nodejs_heap_size_used_bytes", "gauge", "Process heap size used from Node.js in bytes.", heapUsed),
    ...(pages > 0
      ? [single("process_virtual_memory_bytes", "gauge", "Virtual memory size in bytes.", pages * 4096)]
      : []),
    ...(fds === undefined ? [] : [single("process_open_fds", "gauge", "Number of open file descriptors.", fds)]),
    ...(maxFds === undefined
      ? []
      : [single("process_max_fds", "gauge", "Maximum number of open file descriptors.", Number(maxFds))])
  ]
})

const startTime = performance.timeOrigin / 1000

export const startTimeFamily: Family = single(
  "process_start_time_seconds",
  "gauge",
  "Start time of the process since unix epoch in seconds.",
  startTime
)
