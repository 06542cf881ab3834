/**
 * A node in memory for the volume programs: a disk, a mount table and an API server that outlive the agents, and agents
 * that can be started, stopped and killed between any two calls to the host.
 */
import { Effect, Exit, Fiber, Layer, Schedule, Scope, Stream } from "effect"
import { decodePod } from "../../../src/domain/k8s/decode.ts"
import type { Node } from "../../../src/domain/k8s/node.ts"
import type { Pod } from "../../../src/domain/k8s/pod.ts"
import { configMaps, pods, secrets } from "../../../src/domain/k8s/resources.ts"
import { KubeApi, type KubeObject } from "../../../src/layers/api/KubeApi.ts"
import * as KubeApiMemory from "../../../src/layers/api/KubeApiMemory.ts"
import * as MemoryApi from "../../../src/layers/api/memory/MemoryApi.ts"
import * as PodKeysSim from "../../../src/layers/certificates/PodKeysSim.ts"
import { Csi } from "../../../src/layers/csi/Csi.ts"
import * as CsiSim from "../../../src/layers/csi/CsiSim.ts"
import type { SimDrivers } from "../../../src/layers/csi/CsiSim.ts"
import { HostFiles } from "../../../src/layers/host/HostFiles.ts"
import * as HostFilesMemory from "../../../src/layers/host/HostFilesMemory.ts"
import { Mounts } from "../../../src/layers/host/Mounts.ts"
import * as MountsMemory from "../../../src/layers/host/MountsMemory.ts"
import * as ProcessesMemory from "../../../src/layers/host/ProcessesMemory.ts"
import { AgentConfig } from "../../../src/programs/AgentConfig.ts"
import * as CsiDrivers from "../../../src/programs/csi/CsiDrivers.ts"
import * as CsiLocks from "../../../src/programs/csi/CsiLocks.ts"
import * as CsiNode from "../../../src/programs/csi/CsiNode.ts"
import * as csiVolumes from "../../../src/programs/csi/csiVolumes.ts"
import * as VolumesInUse from "../../../src/programs/csi/VolumesInUse.ts"
import { EventRecorder } from "../../../src/programs/events/EventRecorder.ts"
import { NodeState } from "../../../src/programs/node/NodeState.ts"
import { PodRegistry } from "../../../src/programs/pods/PodRegistry.ts"
import * as CsiVolumes from "../../../src/programs/volumes/CsiVolumes.ts"
import * as ObjectCache from "../../../src/programs/volumes/ObjectCache.ts"
import * as PodCertificates from "../../../src/programs/volumes/PodCertificates.ts"
import { PodVolumes } from "../../../src/programs/volumes/PodVolumes.ts"
import * as podVolumeWorkers from "../../../src/programs/volumes/podVolumeWorkers.ts"
import * as ServiceAccountTokens from "../../../src/programs/volumes/ServiceAccountTokens.ts"
import * as TrustBundles from "../../../src/programs/volumes/TrustBundles.ts"
import { VolumeHost } from "../../../src/programs/volumes/VolumeHost.ts"
import { agentSettings } from "../../fixture/agentSettings.ts"

export const root = "/var/lib/kubelet"

/** Lets so many calls through; after that the process is dead: every call hangs for ever. */
export interface Fuse {
  callsLeft: number
}

export const guarded = <S extends object>(service: S, fuse: Fuse): S => {
  const gate = <A, E, R>(call: Effect.Effect<A, E, R>) =>
    // Nothing of a dead process goes on, not even what it does at its end.
    Effect.suspend(() => (fuse.callsLeft-- > 0 ? call : Effect.interruptible(Effect.never)))
  return Object.fromEntries(
    Object.entries(service).map(([name, member]) => [
      name,
      typeof member === "function" && name !== "watch"
        ? (...args: ReadonlyArray<unknown>) => gate(member(...args))
        : Effect.isEffect(member)
        ? gate(member)
        : member
    ])
  ) as S
}

export interface World {
  readonly api: MemoryApi.MemoryApi
  /** Every event as `reason: message`. */
  readonly events: Array<string>
  /** Watches opened so far, as `plural selector`. */
  readonly watches: Array<string>
  readonly tokenRequests: () => number
  /** Pods that were refused for a volume's sake, as `uid reason`. */
  readonly ended: Array<string>
}

/** Real or in-memory files and mounts, and the agent's root directory there. */
export interface Ground {
  readonly layer: Layer.Layer<HostFiles | Mounts>
  /** Programs of the node, where there are any. */
  readonly processes?: ProcessesMemory.MemoryProcesses
  readonly root: string
  /** CSI drivers by their sockets; they live on when agents die. */
  readonly drivers?: SimDrivers
  /** Drivers that are reached another way: their names by their sockets. */
  readonly csi?: { readonly layer: Layer.Layer<Csi>; readonly names: ReadonlyMap<string, string> }
  /** This node at the API server: agents tell it of their drivers. Absent: there is nobody to tell. */
  readonly node?: Node
}

/** Drivers of the world behind the agent's own service, or none. */
const csiLayer = (
  ground: Ground,
  host: Layer.Layer<HostFiles | Mounts>,
  api: Layer.Layer<KubeApi>,
  fuse: Fuse
) =>
  ground.drivers === undefined && ground.csi === undefined ?
    Layer.mergeAll(
      CsiVolumes.noDrivers,
      Layer.mock(CsiDrivers.CsiDrivers)({}),
      Layer.mock(VolumesInUse.VolumesInUse)({}),
      CsiLocks.layer
    ) :
    csiVolumes
      .layer.pipe(
        Layer.provideMerge(Layer.mergeAll(CsiDrivers.layer, CsiLocks.layer, VolumesInUse.layer)),
        Layer.provideMerge(CsiNode.layer),
        Layer.provide(Layer.mergeAll(
          host,
          api,
          // The driver is another process: the agent's death is not its own.
          Layer.effect(
            Csi,
            Effect.map(
              Csi,
              ({ open }) => Csi.of({ open: (endpoint) => Effect.map(open(endpoint), (calls) => guarded(calls, fuse)) })
            )
          ).pipe(
            Layer.provide(ground.csi?.layer ?? CsiSim.layer(ground.drivers ?? new Map())),
            Layer.provide(ground.layer)
          ),
          Layer.mock(NodeState)({
            nodeChanges: Stream.concat(Stream.make(ground.node), Stream.never),
            setNode: () => Effect.void
          }),
          Layer.succeed(AgentConfig, {
            ...agentSettings,
            rootDir: ground.root,
            standalone: ground.node === undefined,
            enableControllerAttachDetach: true
          })
        ))
      )

export const makeOn = Effect.fnUntraced(function*(ground: Ground) {
  const world: World = {
    api: yield* MemoryApi.make({ binder: false }),
    events: [],
    watches: [],
    ended: [],
    tokenRequests: () => tokenRequests
  }
  let tokenRequests = 0
  const countedApi = Layer.effect(
    KubeApi,
    Effect.map(KubeApi, (api) =>
      KubeApi.of({
        ...api,
        watch: (resource, selection) => {
          world.watches.push(`${resource.plural} ${selection.fieldSelector}`)
          return api.watch(resource, selection)
        },
        create: (resource, object, options) => {
          if (options?.subresource?.name === "token") tokenRequests += 1
          return api.create(resource, object, options)
        }
      }))
  ).pipe(Layer.provide(KubeApiMemory.layer(world.api)))
  const recorder = Layer.succeed(
    EventRecorder,
    EventRecorder.of({
      record: ({ kind, name }, { message, reason }) =>
        Effect.sync(() => void world.events.push(`${kind} ${name} ${reason}: ${message}`)),
      recordNode: () => Effect.void,
      recordPod: (_, { message, reason }) => Effect.sync(() => void world.events.push(`${reason}: ${message}`))
    })
  )
  const settings = Layer.succeed(
    VolumeHost,
    VolumeHost.of({
      rootDir: ground.root,
      syncMs: 60_000,
      node: Effect.succeed({ metadata: { name: "n1", labels: { zone: "a" } } }),
      memory: Effect.succeed({ kernelVersion: "6.18.0", allocatableMemoryBytes: 1024 ** 3 }),
      allocatable: Effect.succeed({ cpu: "4", memory: "1Gi" })
    })
  )
  const registry = Layer.mock(PodRegistry)({
    end: (uid, { status }) => Effect.sync(() => void world.ended.push(`${uid} ${status?.reason}`))
  })
  const programs = ProcessesMemory.layer(ground.processes)
  const agentLayer = (fuse: Fuse) => {
    const hostLayer: Layer.Layer<HostFiles | Mounts> = Layer.mergeAll(
      Layer.effect(HostFiles, Effect.map(HostFiles, (files) => HostFiles.of(guarded(files, fuse)))),
      Layer.effect(Mounts, Effect.map(Mounts, (mounts) => Mounts.of(guarded(mounts, fuse))))
    ).pipe(Layer.provide(ground.layer))
    return podVolumeWorkers.layer.pipe(
      Layer.provide(Layer.mergeAll(ObjectCache.layer, ServiceAccountTokens.layer, TrustBundles.layer)),
      Layer.provide(PodCertificates.layer),
      Layer.provide(PodKeysSim.layer),
      Layer.provide(
        Layer.succeed(AgentConfig, { ...agentSettings, standalone: false, trustBundles: true, podCertificates: true })
      ),
      Layer.provideMerge(csiLayer(ground, hostLayer, countedApi, fuse)),
      Layer.provideMerge(Layer.mergeAll(hostLayer, programs, countedApi, recorder, settings, registry))
    )
  }
  const startIn = Effect.fnUntraced(function*(fuse: Fuse, scope: Scope.Closeable) {
    const context = yield* Layer.buildWithScope(Layer.fresh(agentLayer(fuse)), scope)
    const volumes = yield* Effect.provide(PodVolumes, context)
    const drivers = yield* Effect.provide(CsiDrivers.CsiDrivers, context)
    for (const [endpoint, { settings: { name } }] of ground.drivers ?? []) yield* drivers.register(name, endpoint)
    for (const [endpoint, name] of ground.csi?.names ?? []) yield* drivers.register(name, endpoint)
    return { volumes, drivers, context, fuse, stop: Scope.close(scope, Exit.void) }
  })
  type Agent = Effect.Success<ReturnType<typeof startIn>>
  /** Starts an agent in a scope of its own; `stop` ends it between two steps of any fiber. */
  const start = (fuse: Fuse = { callsLeft: Number.POSITIVE_INFINITY }) =>
    Effect.flatMap(Scope.make(), (scope) => startIn(fuse, scope))
  /** A life that ends after so many calls to host and drivers, be it while the agent starts. */
  const dieAfter = Effect.fnUntraced(
    function*<E>(callsLeft: number, life: (agent: Agent) => Effect.Effect<unknown, E>) {
      const scope = yield* Scope.make()
      const fiber = yield* Effect.forkChild(Effect.flatMap(startIn({ callsLeft }, scope), life))
      yield* settled
      yield* settled
      yield* Fiber.interrupt(fiber)
      yield* Scope.close(scope, Exit.void)
    }
  )
  const client = yield* Effect.provide(KubeApi, KubeApiMemory.layer(world.api))
  return { ...world, start, dieAfter, client }
})

export const makeWith = Effect.fnUntraced(function*(drivers?: SimDrivers, node?: Node) {
  const host = new HostFilesMemory.MemoryHost()
  host.makeDirectories(root)
  const layer = Layer.merge(HostFilesMemory.layer(host), MountsMemory.layer(host))
  return {
    ...(yield* makeOn({
      layer,
      root,
      ...(drivers === undefined ? {} : { drivers }),
      ...(node === undefined ? {} : { node })
    })),
    host
  }
})
export const make = makeWith()

/** A turn for everybody; now and then a moment of real time, for keys are made by threads of their own. */
const breathe = () => {
  let turns = 0
  return Effect.suspend(() =>
    ++turns % 50 === 0 ? Effect.promise(() => new Promise((resolve) => setTimeout(resolve, 1))) : Effect.yieldNow
  )
}

/** Gives all fibers their turns, without letting the agent's time pass, until the check holds. */
export const eventually = (check: () => boolean, why = "it never came true", turn = breathe()) =>
  Effect.suspend(() => (check() ? Effect.void : Effect.andThen(turn, Effect.fail(why)))).pipe(
    Effect.retry(Schedule.recurs(5000)),
    Effect.orDie
  )

/** Turns for everybody until nothing more happens; for checks that something does not happen. */
export const settled = Effect.repeat(Effect.yieldNow, { times: 500 })

type Started = Effect.Success<ReturnType<Effect.Success<typeof make>["start"]>>

/** Wants the pod's volumes and waits for them. */
export const untilReady = Effect.fnUntraced(function*({ volumes }: Pick<Started, "volumes">, pod: Pod) {
  const turn = breathe()
  yield* volumes.want(pod)
  yield* volumes.state(pod.metadata.uid).pipe(
    Effect.flatMap(({ message, ready }) => (ready ? Effect.void : Effect.andThen(turn, Effect.fail(message)))),
    Effect.retry(Schedule.recurs(5000)),
    Effect.orDie
  )
})

const create = (client: KubeApi["Service"], resource: typeof pods, object: KubeObject) =>
  Effect.orDie(client.create(resource, object))

export const makeSecret = (client: KubeApi["Service"], name: string, data: Record<string, string>, more = {}) =>
  create(client, secrets, {
    metadata: { name, namespace: "default" },
    data: Object.fromEntries(Object.entries(data).map(([key, text]) => [key, Buffer.from(text).toString("base64")])),
    ...more
  })

export const makeConfigMap = (client: KubeApi["Service"], name: string, data: Record<string, string>, more = {}) =>
  create(client, configMaps, { metadata: { name, namespace: "default" }, data, ...more })

/** Stores the pod at the API server, as its tokens need it, and answers it with the UID it got. */
export const createPod = (client: KubeApi["Service"], pod: Pod) =>
  create(client, pods, {
    metadata: { name: pod.metadata.name, namespace: pod.metadata.namespace, labels: pod.metadata.labels ?? {} },
    spec: { ...pod.spec, nodeName: "n1", containers: pod.spec.containers.map((one) => ({ image: "i", ...one })) }
  }).pipe(Effect.flatMap((object) => Effect.fromResult(decodePod(object))), Effect.orDie)

/** All below a path: `d 750 /a`, `f 644 /a/b text`, `l /a/c → b`; a mount is marked with its type. */
export const listing = (host: HostFilesMemory.MemoryHost, path: string): ReadonlyArray<string> => {
  const place = host.table.find(path, false)
  if (place === undefined) return []
  const { inode, mount } = place
  const mounted = inode === mount.root && mount.parent !== undefined ? ` ${mount.fs.fsType}` : ""
  const owner = inode.uid === 0 && inode.gid === 0 ? "" : ` ${inode.uid}:${inode.gid}`
  const mode = inode.mode.toString(8)
  if (inode.type === "symlink") return [`l ${path} → ${inode.target}`]
  if (inode.type === "file") return [`f ${mode}${owner}${mounted} ${path} ${new TextDecoder().decode(inode.data)}`]
  return [
    `d ${mode}${owner}${mounted} ${path}`,
    ...[...inode.entries.keys()].sort().flatMap((name) => listing(host, `${path}/${name}`))
  ]
}
