/** The node as the builders of CRI requests see it, gathered from configuration and machine. */
import { Effect } from "effect"
import type { NodeSettings } from "../../domain/config/nodeSettings.ts"
import { pageSizeName } from "../../domain/resources/hugePages.ts"
import { Cgroups } from "../../layers/host/Cgroups.ts"
import { HostFiles } from "../../layers/host/HostFiles.ts"
import { AgentConfig } from "../AgentConfig.ts"
import { elapsedMs } from "../elapsed.ts"
import { NodeState } from "./NodeState.ts"

const cpuFolder = "/sys/devices/system/cpu"
const cpuName = /^cpu\d+$/
/** There with cgroup v1 if the kernel accounts for swap, and only then may a limit of it be asked for (parity L14). */
const swapLimitV1 = "/sys/fs/cgroup/memory/memory.memsw.limit_in_bytes"
/** What the resolver file said this long ago is still asked for: a pod's start wants it several times. */
const resolverAgeMs = 1000

/**
 * An effect that gives the settings as they are now. What only a reboot changes is read when this is run; the resolver
 * file is read anew each second that it is asked for, because networks come and go.
 */
export const nodeSettings = Effect.gen(function*() {
  const config = yield* AgentConfig
  const nodeState = yield* NodeState
  const files = yield* HostFiles
  const cgroups = yield* Cgroups

  const mode = yield* cgroups.mode.pipe(Effect.catch(() => Effect.succeed("v1" as const)))
  const swapController = mode === "v2" || (yield* files.exists(swapLimitV1))
  const throttlePaths = yield* files.readDirectory(cpuFolder).pipe(
    Effect.map((names) =>
      names.filter((name) => cpuName.test(name)).map((name) => `${cpuFolder}/${name}/thermal_throttle`)
    ),
    Effect.flatMap((paths) => Effect.filter(paths, (path) => files.exists(path))),
    // A machine without this folder has nothing there to hide.
    Effect.catch(() => Effect.succeed([]))
  )
  const readResolvConf = files.readText(config.resolvConf).pipe(
    Effect.catch((error) => Effect.as(Effect.logWarning("cannot read the resolver configuration", error), ""))
  )
  let resolver = { text: "", readAtMs: Number.NEGATIVE_INFINITY }
  const resolvConf = Effect.gen(function*() {
    if (config.resolvConf === "") return undefined
    const now = yield* elapsedMs
    if (now - resolver.readAtMs >= resolverAgeMs) resolver = { text: yield* readResolvConf, readAtMs: now }
    return resolver.text
  })

  return Effect.gen(function*() {
    const machine = yield* nodeState.facts
    return {
      rootDir: config.rootDir,
      podLogsDir: config.podLogsDir,
      nodeName: config.nodeName,
      hostIPs: yield* nodeState.ips,
      allocatable: yield* nodeState.allocatable,
      memoryCapacityBytes: machine.memoryTotalBytes,
      dns: { servers: config.clusterDns, domain: config.clusterDomain, hostResolvConf: yield* resolvConf },
      cgroups: { driver: config.cgroupDriver, root: config.cgroupRoot, perQos: config.cgroupsPerQos },
      cgroupV2: mode === "v2",
      cpuCfsQuota: config.cpuCfsQuota,
      cpuCfsQuotaPeriodUs: config.cpuCfsQuotaPeriodMs * 1000,
      hugePageSizes: machine.hugePages.map((pages) => pageSizeName(BigInt(pages.sizeBytes))),
      swap: {
        behavior: config.swapBehavior,
        controllerAvailable: swapController,
        nodeMemoryBytes: machine.memoryTotalBytes,
        nodeSwapBytes: machine.swaps.reduce((sum, swap) => sum + swap.sizeBytes, 0)
      },
      singleProcessOomKill: config.singleProcessOomKill,
      seccompDefault: config.seccompDefault,
      selinuxEnabled: false,
      thermalThrottlePaths: throttlePaths
    } satisfies NodeSettings
  })
})
