/** The machine as /proc, /sys and /etc describe it. */
import { Effect, Layer } from "effect"
import { arch, cpus, networkInterfaces } from "node:os"
import { dirname, join } from "node:path"
import { Retryable } from "../../domain/failure.ts"
import { HostFiles } from "./HostFiles.ts"
import { memInfoBytes, parseRoutes4, parseRoutes6, parseSwaps, prettyName } from "./live/procText.ts"
import { type HugePages, type NetworkAddress, NodeFacts, NodeFactsError, type NodeReading } from "./NodeFacts.ts"

export interface NodeFactsOptions {
  /** Whose file system counts as the node's root: the agent's root directory, or what exists above it. */
  readonly rootDirectory: string
  /** Where /proc, /sys and /etc are looked for; empty for the machine's own. */
  readonly prefix?: string
}

const goArchitectures: Readonly<Record<string, string>> = {
  x64: "amd64",
  arm64: "arm64",
  ia32: "386",
  ppc64: "ppc64le"
}

const addresses = (): ReadonlyArray<NetworkAddress> =>
  Object.entries(networkInterfaces()).flatMap(([name, list]) =>
    (list ?? []).map((one) => ({
      interface: name,
      family: one.family === "IPv6" ? 6 as const : 4 as const,
      address: one.address,
      prefixLength: Number(one.cidr?.split("/")[1] ?? (one.family === "IPv6" ? 128 : 32)),
      internal: one.internal
    }))
  )

const integer = (text: string): number => {
  const value = Number.parseInt(text, 10)
  return Number.isNaN(value) ? 0 : value
}

/** Reads one machine's files; `prefix` is where its root lies. */
const reader = (files: HostFiles["Service"], prefix: string) => {
  const at = (path: string) => join(prefix, path)

  /** Empty when the machine has no such file. */
  const optional = (path: string) =>
    files.readText(at(path)).pipe(
      Effect.map((text) => text.replaceAll("\0", "").trim()),
      Effect.catchReason("HostFileError", "NotFound", () => Effect.succeed(""))
    )

  const firstOf = Effect.fnUntraced(function*(paths: ReadonlyArray<string>) {
    for (const path of paths) {
      const text = yield* optional(path)
      if (text !== "") return text
    }
    return ""
  })

  const namesIn = (path: string) =>
    files.readDirectory(at(path)).pipe(
      Effect.catchReason("HostFileError", "NotFound", () => Effect.succeed<ReadonlyArray<string>>([]))
    )

  return { optional, firstOf, namesIn }
}
type Reader = ReturnType<typeof reader>

const identity = Effect.fnUntraced(function*({ firstOf, optional }: Reader) {
  const machineID = yield* firstOf(["/etc/machine-id", "/var/lib/dbus/machine-id"])
  const systemUUID = yield* firstOf([
    "/sys/class/dmi/id/product_uuid",
    "/proc/device-tree/system-id",
    "/proc/device-tree/vm,uuid"
  ])
  return {
    hostname: (yield* optional("/proc/sys/kernel/hostname")).toLowerCase(),
    machineID,
    systemUUID: systemUUID === "" ? machineID : systemUUID,
    bootID: yield* optional("/proc/sys/kernel/random/boot_id"),
    kernelVersion: yield* optional("/proc/sys/kernel/osrelease"),
    osImage: prettyName(yield* firstOf(["/etc/os-release", "/usr/lib/os-release"])) || "Linux"
  }
})

const hugePagesRoot = "/sys/kernel/mm/hugepages"

const hugePages = Effect.fnUntraced(function*({ namesIn, optional }: Reader) {
  const pages: Array<HugePages> = []
  for (const name of yield* namesIn(hugePagesRoot)) {
    const size = /^hugepages-(\d+)kB$/.exec(name)
    if (size === null) continue
    pages.push({
      sizeBytes: Number(size[1]) * 1024,
      total: integer(yield* optional(`${hugePagesRoot}/${name}/nr_hugepages`)),
      free: integer(yield* optional(`${hugePagesRoot}/${name}/free_hugepages`))
    })
  }
  return pages
})

const memory = Effect.fnUntraced(function*(from: Reader) {
  const info = yield* from.optional("/proc/meminfo")
  return {
    memoryTotalBytes: memInfoBytes(info, "MemTotal"),
    memoryAvailableBytes: memInfoBytes(info, "MemAvailable"),
    swaps: parseSwaps(yield* from.optional("/proc/swaps")),
    hugePages: yield* hugePages(from)
  }
})

const routes = Effect.fnUntraced(function*({ optional }: Reader) {
  const all = [
    ...parseRoutes4(yield* optional("/proc/net/route")),
    ...parseRoutes6(yield* optional("/proc/net/ipv6_route"))
  ]
  return all.sort((one, other) => one.metric - other.metric)
})

const times = Effect.fnUntraced(function*({ optional }: Reader) {
  const uptimeMs = Math.round(Number((yield* optional("/proc/uptime")).split(" ")[0]) * 1000)
  const bootSeconds = /^btime (\d+)$/m.exec(yield* optional("/proc/stat"))?.[1]
  return { uptimeMs, bootTimeMs: Number(bootSeconds ?? 0) * 1000 }
})

const processIds = Effect.fnUntraced(function*({ optional }: Reader) {
  const limits = [yield* optional("/proc/sys/kernel/pid_max"), yield* optional("/proc/sys/kernel/threads-max")]
  const [, running] = ((yield* optional("/proc/loadavg")).split(" ")[3] ?? "").split("/")
  return {
    maxPids: Math.min(...limits.map(integer).filter((limit) => limit > 0)),
    runningPids: integer(running ?? "")
  }
})

const rootFs = Effect.fnUntraced(function*(files: HostFiles["Service"], rootDirectory: string) {
  let path = rootDirectory
  while (path !== "/" && !(yield* files.exists(path))) path = dirname(path)
  const { availableBytes, inodes, inodesFree, totalBytes } = yield* files.statfs(path)
  return { totalBytes, availableBytes, inodes, inodesFree }
})

const make = Effect.fnUntraced(function*(options: NodeFactsOptions) {
  const files = yield* HostFiles
  const from = reader(files, options.prefix ?? "/")
  const read = Effect.gen(function*() {
    const reading: NodeReading = {
      ...(yield* identity(from)),
      ...(yield* memory(from)),
      ...(yield* times(from)),
      ...(yield* processIds(from)),
      architecture: goArchitectures[arch()] ?? arch(),
      operatingSystem: "linux",
      uid: process.getuid?.() ?? 0,
      cpuCount: cpus().length,
      addresses: addresses(),
      defaultRoutes: yield* routes(from),
      rootFs: yield* rootFs(files, options.rootDirectory),
      pageSizeBytes: 4096
    }
    return reading
  }).pipe(
    Effect.mapError((cause) =>
      new NodeFactsError({ op: "read", target: cause.path, reason: new Retryable({}), cause })
    ),
    Effect.withSpan("NodeFacts.read")
  )
  return NodeFacts.of({ read })
})

export const layer = (options: NodeFactsOptions): Layer.Layer<NodeFacts, never, HostFiles> =>
  Layer.effect(NodeFacts, make(options))
