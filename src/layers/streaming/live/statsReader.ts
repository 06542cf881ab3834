/** Takes the readings of the node, its pods and containers from control groups, the runtime and the host. */
import { Clock, Effect, Option } from "effect"
import type { Pod } from "../../../domain/k8s/pod.ts"
import { parseNetDev } from "../../../domain/stats/netDev.ts"
import type {
  ContainerReading,
  FsReading,
  NetworkReading,
  NodeReading,
  PodReading,
  StatsReading,
  Usage
} from "../../../domain/stats/readings.ts"
import type { Container, ContainerStats, FilesystemUsage, PodSandboxStats } from "../../../gen/cri/api_pb.ts"
import { ContainerState, type Cri, type CriError } from "../../cri/Cri.ts"
import type { Cgroups } from "../../host/Cgroups.ts"
import type { HostFiles } from "../../host/HostFiles.ts"
import type { NodeFacts } from "../../host/NodeFacts.ts"
import type { NodeReadModel } from "../NodeReadModel.ts"
import { makeGroupReader, ofRuntime } from "./groupUsage.ts"

export interface StatsServices {
  readonly model: NodeReadModel["Service"]
  readonly cri: Cri["Service"]
  readonly files: HostFiles["Service"]
  readonly cgroups: Cgroups["Service"]
  readonly facts: NodeFacts["Service"]
}

export interface StatsOptions {
  /** Whose file system counts as the node's. */
  readonly rootDir: string
  readonly podLogsDir: string
}

/** Reads all; fails when the runtime cannot be asked, for then nothing is known of containers. */
export type ReadStats = Effect.Effect<StatsReading, CriError>

const label = {
  pod: "io.kubernetes.pod.name",
  namespace: "io.kubernetes.pod.namespace",
  uid: "io.kubernetes.pod.uid",
  container: "io.kubernetes.container.name"
} as const

export const makeStatsReader = (services: StatsServices, options: StatsOptions): ReadStats => {
  const groups = makeGroupReader(services.cgroups)
  return Effect.gen(function*() {
    const { cri, model } = services
    const { containers, pods, sandboxes, stats } = yield* Effect.all({
      containers: cri.listContainers({ filter: { state: { state: ContainerState.CONTAINER_RUNNING } } }),
      stats: cri.listContainerStats({}),
      // Older runtimes do not know it; only the network of pods is missed.
      sandboxes: Effect.option(cri.listPodSandboxStats({})),
      pods: model.pods
    }, { concurrency: "unbounded" })
    const runtime: RuntimeReading = {
      containers: containers.containers,
      stats: new Map(stats.stats.map((one) => [one.attributes?.id ?? "", one])),
      sandboxes: new Map(
        Option.match(sandboxes, { onNone: () => [], onSome: (answer) => answer.stats })
          .map((one) => [one.attributes?.metadata?.uid ?? "", one])
      )
    }
    const node = yield* readNode(services, options, groups)
    const podReadings = yield* Effect.forEach(pods, (pod) => readPod(services, options, groups, runtime, pod), {
      concurrency: 8
    })
    groups.forget()
    return { node, pods: podReadings.filter(({ containers }) => containers.length > 0) }
  })
}

interface RuntimeReading {
  readonly containers: ReadonlyArray<Container>
  readonly stats: ReadonlyMap<string, ContainerStats>
  readonly sandboxes: ReadonlyMap<string, PodSandboxStats>
}

type Groups = ReturnType<typeof makeGroupReader>

const readNode = Effect.fnUntraced(function*(
  { cri, facts, files, model }: StatsServices,
  options: StatsOptions,
  groups: Groups
): Effect.fn.Return<NodeReading> {
  const atMs = yield* Clock.currentTimeMillis
  const machine = yield* Effect.option(facts.read)
  const capacity = yield* model.capacity
  const usage = yield* groups.read("/")
  const system = yield* Effect.forEach(
    yield* model.systemGroups,
    ({ cgroup, name }) => Effect.map(groups.read(cgroup), Option.map((usage) => ({ name, cgroup, usage })))
  )
  const interfaces = yield* files.readText("/proc/net/dev").pipe(Effect.map(parseNetDev), Effect.option)
  const fsInfo = yield* Effect.option(cri.imageFsInfo({}))
  const rootFs = yield* readFs(files, options.rootDir, atMs)
  const imageFs = yield* runtimeFs(files, Option.map(fsInfo, (info) => info.imageFilesystems[0]))
  const containerFs = yield* runtimeFs(files, Option.map(fsInfo, (info) => info.containerFilesystems[0]))
  return {
    name: model.nodeName,
    atMs,
    bootedAtMs: Option.match(machine, { onNone: () => atMs, onSome: ({ bootTimeMs }) => bootTimeMs }),
    cpus: capacity.cpus,
    memoryBytes: capacity.memoryBytes,
    system: system.filter(Option.isSome).map(({ value }) => value),
    ...some("usage", usage),
    ...some(
      "network",
      Option.map(interfaces, (all): NetworkReading => ({
        atMs,
        main: Option.getOrUndefined(machine)?.defaultRoutes[0]?.interface ?? all[0]?.name ?? "",
        interfaces: all
      }))
    ),
    ...some("rootFs", rootFs),
    ...some("imageFs", imageFs),
    ...some("containerFs", containerFs),
    ...some("processes", Option.map(machine, ({ maxPids, runningPids }) => ({ max: maxPids, running: runningPids })))
  }
})

const some = <K extends string, A>(name: K, value: Option.Option<A>): { readonly [P in K]?: A } =>
  Option.isNone(value) ? {} : { [name]: value.value } as { readonly [P in K]: A }

const readFs = (files: HostFiles["Service"], path: string, atMs: number): Effect.Effect<Option.Option<FsReading>> =>
  files.statfs(path).pipe(
    Effect.map(({ availableBytes, inodes, inodesFree, totalBytes }) => ({
      atMs,
      capacityBytes: totalBytes,
      availableBytes,
      usedBytes: totalBytes - availableBytes,
      inodes,
      inodesFree,
      inodesUsed: inodes - inodesFree
    })),
    Effect.option
  )

// How much images or containers use is the runtime's to say; how much there is, the file system's.
const runtimeFs = Effect.fnUntraced(function*(
  files: HostFiles["Service"],
  reported: Option.Option<FilesystemUsage | undefined>
): Effect.fn.Return<Option.Option<FsReading>> {
  const usage = Option.getOrUndefined(reported)
  if (usage === undefined) {
    return Option.none()
  }
  const atMs = Number(usage.timestamp / 1_000_000n)
  const whole = yield* readFs(files, usage.fsId?.mountpoint ?? "/", atMs)
  return Option.some({
    ...Option.getOrElse(whole, () => ({})),
    atMs,
    ...(usage.usedBytes && { usedBytes: Number(usage.usedBytes.value) }),
    ...(usage.inodesUsed && { inodesUsed: Number(usage.inodesUsed.value) })
  })
})

const readPod = Effect.fnUntraced(function*(
  services: StatsServices,
  options: StatsOptions,
  groups: Groups,
  runtime: RuntimeReading,
  pod: Pod
): Effect.fn.Return<PodReading> {
  const { name, namespace, uid } = pod.metadata
  const { cgroups, model } = services
  const sandbox = runtime.sandboxes.get(uid)
  const cgroup = model.podCgroup(pod)
  // What a container's group is called is the runtime's choice, but its id is in it.
  const children = Option.isNone(cgroup) ? [] : yield* Effect.orElseSucceed(cgroups.children(cgroup.value), () => [])
  const logs = `${options.podLogsDir}/${namespace}_${name}_${uid}`
  const mine = runtime.containers.filter(({ labels }) => labels[label.uid] === uid)
  const containers = yield* Effect.forEach(mine, (container) => {
    const child = children.find((group) => group.includes(container.id))
    const path = Option.isSome(cgroup) && child !== undefined ? `${cgroup.value}/${child}` : undefined
    return readContainer(services, groups, runtime, container, path, logs)
  })
  // After its containers, so that no container seems to have used more than its pod.
  const usage = yield* Option.match(cgroup, {
    onNone: () => Effect.succeedNone,
    onSome: (path) => groups.read(path)
  })
  const volumes = yield* model.volumeUsage(uid)
  const used = (reading: FsReading | undefined) => reading?.usedBytes ?? 0
  const atMs = yield* Clock.currentTimeMillis
  return {
    name,
    namespace,
    uid,
    startedAtMs: Date.parse(pod.status?.startTime ?? "") || (containers[0]?.startedAtMs ?? atMs),
    ...some("cgroup", cgroup),
    ...(sandbox?.attributes && { sandboxId: sandbox.attributes.id }),
    ...some("usage", usage),
    ...some("network", Option.fromUndefinedOr(networkOf(sandbox, atMs))),
    containers,
    volumes: volumes.map(({ measuredAtMs, ...volume }) => ({ ...volume, atMs: measuredAtMs })),
    ephemeral: {
      atMs,
      usedBytes: containers.reduce((sum, { logs, rootfs }) => sum + used(logs) + used(rootfs), 0)
        + volumes.reduce((sum, { claim, usedBytes = 0 }) => sum + (claim === undefined ? usedBytes : 0), 0)
    }
  }
})

const readContainer = Effect.fnUntraced(function*(
  { files }: StatsServices,
  groups: Groups,
  { stats }: RuntimeReading,
  container: Container,
  cgroup: string | undefined,
  logsOfPod: string
): Effect.fn.Return<ContainerReading> {
  const atMs = yield* Clock.currentTimeMillis
  const reported = stats.get(container.id)
  const measured = cgroup === undefined ? Option.none<Usage>() : yield* groups.read(cgroup)
  const name = container.labels[label.container] ?? container.metadata?.name ?? ""
  const layer = reported?.writableLayer
  const log = yield* Effect.option(files.diskUsage(`${logsOfPod}/${name}`))
  return {
    name,
    id: container.id,
    image: container.image?.userSpecifiedImage || (container.image?.image ?? ""),
    startedAtMs: Number(container.createdAt / 1_000_000n),
    ...(cgroup !== undefined && { cgroup }),
    usage: Option.getOrElse(
      measured,
      () => reported === undefined ? { atMs } : groups.withRate(container.id, ofRuntime(reported, atMs))
    ),
    ...(layer && {
      rootfs: {
        atMs: Number(layer.timestamp / 1_000_000n),
        ...(layer.usedBytes && { usedBytes: Number(layer.usedBytes.value) }),
        ...(layer.inodesUsed && { inodesUsed: Number(layer.inodesUsed.value) })
      }
    }),
    ...some("logs", Option.map(log, ({ bytes, inodes }) => ({ atMs, usedBytes: bytes, inodesUsed: inodes })))
  }
})

const networkOf = (sandbox: PodSandboxStats | undefined, nowMs: number): NetworkReading | undefined => {
  const network = sandbox?.linux?.network
  if (network?.defaultInterface === undefined) {
    return undefined
  }
  const all = [network.defaultInterface, ...network.interfaces]
  const atMs = network.timestamp === 0n ? nowMs : Number(network.timestamp / 1_000_000n)
  return {
    atMs,
    main: network.defaultInterface.name,
    interfaces: [...new Map(all.map((one) => [one.name, one])).values()].map((one) => ({
      name: one.name,
      rxBytes: Number(one.rxBytes?.value ?? 0),
      rxErrors: Number(one.rxErrors?.value ?? 0),
      txBytes: Number(one.txBytes?.value ?? 0),
      txErrors: Number(one.txErrors?.value ?? 0)
    }))
  }
}
