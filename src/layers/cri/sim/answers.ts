/** What the runtime's records look like in CRI messages. */
import { create, type MessageInitShape } from "@bufbuild/protobuf"
import {
  type Container,
  ContainerSchema,
  ContainerState,
  type ContainerStatsSchema,
  type ContainerStatusSchema,
  type ImageSchema,
  type ImageSpec,
  NamespaceMode,
  type PodSandbox,
  PodSandboxSchema,
  PodSandboxState,
  type PodSandboxStatusSchema
} from "../../../gen/cri/api_pb.ts"
import type { StoredImage } from "./images.ts"
import type { ContainerRecord, Labels, SandboxRecord } from "./records.ts"
import type { SimRuntime } from "./SimRuntime.ts"
import { containerCpuNs, defaultMillicores } from "./usage.ts"

/** CRI times are nanoseconds since the epoch, 0 for never. */
export const nanos = (ms: number): bigint => BigInt(Math.round(ms)) * 1_000_000n

const states = {
  Created: ContainerState.CONTAINER_CREATED,
  Starting: ContainerState.CONTAINER_CREATED,
  Running: ContainerState.CONTAINER_RUNNING,
  Exited: ContainerState.CONTAINER_EXITED
}

export const containerState = (container: ContainerRecord): ContainerState => states[container.state]

export const sandboxState = (sandbox: SandboxRecord): PodSandboxState =>
  sandbox.ready ? PodSandboxState.SANDBOX_READY : PodSandboxState.SANDBOX_NOTREADY

export const hasLabels = (labels: Labels, selector: Labels): boolean =>
  Object.entries(selector).every(([key, value]) => Object.hasOwn(labels, key) && labels[key] === value)

const sandboxMetadata = ({ attempt, name, namespace, uid }: SandboxRecord) => ({ name, namespace, uid, attempt })

export const listedSandbox = (sandbox: SandboxRecord): PodSandbox => {
  const state = sandboxState(sandbox)
  if (sandbox.listed?.state === state) return sandbox.listed
  return sandbox.listed = create(PodSandboxSchema, {
    id: sandbox.id,
    metadata: sandboxMetadata(sandbox),
    state,
    createdAt: nanos(sandbox.createdAtMs),
    labels: sandbox.labels,
    annotations: sandbox.annotations,
    runtimeHandler: sandbox.runtimeHandler
  })
}

export const sandboxStatusOf = (sandbox: SandboxRecord): MessageInitShape<typeof PodSandboxStatusSchema> => {
  const [ip = "", ...more] = sandbox.address?.ips ?? []
  return {
    id: sandbox.id,
    metadata: sandboxMetadata(sandbox),
    state: sandboxState(sandbox),
    createdAt: nanos(sandbox.createdAtMs),
    labels: sandbox.labels,
    annotations: sandbox.annotations,
    runtimeHandler: sandbox.runtimeHandler,
    network: { ip, additionalIps: more.map((each) => ({ ip: each })) },
    linux: {
      namespaces: {
        options: sandbox.namespaces ?? { network: NamespaceMode.POD, pid: NamespaceMode.POD, ipc: NamespaceMode.POD }
      }
    }
  }
}

const containerMetadata = ({ attempt, name }: ContainerRecord) => ({ name, attempt })

const imageOf = ({ image }: ContainerRecord) => ({
  image: image.image,
  userSpecifiedImage: image.userSpecifiedImage
})

export const listedContainer = (record: ContainerRecord): Container => {
  const state = containerState(record)
  if (record.listed?.state === state) return record.listed
  return record.listed = create(ContainerSchema, {
    id: record.id,
    podSandboxId: record.sandbox.id,
    metadata: containerMetadata(record),
    image: imageOf(record),
    imageRef: record.image.id,
    imageId: record.image.id,
    state,
    createdAt: nanos(record.createdAtMs),
    labels: record.labels,
    annotations: record.annotations
  })
}

export const containerStatusOf = (record: ContainerRecord): MessageInitShape<typeof ContainerStatusSchema> => ({
  id: record.id,
  metadata: containerMetadata(record),
  state: containerState(record),
  createdAt: nanos(record.createdAtMs),
  startedAt: nanos(record.startedAtMs),
  finishedAt: nanos(record.finishedAtMs),
  exitCode: record.exitCode,
  image: imageOf(record),
  imageRef: record.image.ref,
  imageId: record.image.id,
  reason: record.reason,
  message: record.message,
  labels: record.labels,
  annotations: record.annotations,
  mounts: [...record.mounts],
  logPath: record.logPath,
  ...(record.resources !== undefined && { resources: { linux: record.resources } }),
  user: {
    linux: {
      uid: BigInt(record.user.uid),
      gid: BigInt(record.user.gid),
      supplementalGroups: record.user.groups.map(BigInt)
    }
  },
  stopSignal: record.stopSignal
})

const value = (amount: number) => ({ value: BigInt(Math.max(0, Math.round(amount))) })

const snapshots = "/var/lib/containerd/io.containerd.snapshotter.v1.overlayfs"

export const containerStats = (
  runtime: SimRuntime,
  record: ContainerRecord,
  now: number
): MessageInitShape<typeof ContainerStatsSchema> => {
  const timestamp = nanos(now)
  const millicores = record.script.cpuMillicores ?? defaultMillicores
  const memory = runtime.memoryBytes(record, now)
  const limit = Number(record.resources?.memoryLimitInBytes ?? 0n)
  return {
    attributes: {
      id: record.id,
      metadata: containerMetadata(record),
      labels: record.labels,
      annotations: record.annotations
    },
    cpu: {
      timestamp,
      usageCoreNanoSeconds: value(containerCpuNs(record, now)),
      usageNanoCores: value(record.state === "Running" ? millicores * 1_000_000 : 0)
    },
    memory: {
      timestamp,
      workingSetBytes: value(memory),
      usageBytes: value(memory),
      rssBytes: value(memory * 0.9),
      availableBytes: value(limit > 0 ? limit - memory : 0),
      pageFaults: value(memory / 4096),
      majorPageFaults: value(0)
    },
    writableLayer: {
      timestamp,
      fsId: { mountpoint: snapshots },
      usedBytes: value(32_768),
      inodesUsed: value(12)
    }
  }
}

export const imageFilesystem = (runtime: SimRuntime, now: number) => {
  const images = runtime.images.all()
  return {
    timestamp: nanos(now),
    fsId: { mountpoint: snapshots },
    usedBytes: value(images.reduce((sum, image) => sum + image.sizeBytes, 0) + runtime.containers.size * 32_768),
    inodesUsed: value(images.length * 500 + runtime.containers.size * 12)
  }
}

export const image = (stored: StoredImage, spec?: ImageSpec): MessageInitShape<typeof ImageSchema> => ({
  id: stored.id,
  repoTags: [...stored.tags],
  repoDigests: [...stored.digests],
  size: BigInt(stored.sizeBytes),
  ...(typeof stored.user === "number" ? { uid: { value: BigInt(stored.user) } } : { username: stored.user }),
  ...(spec !== undefined && { spec: { image: stored.id, annotations: spec.annotations } }),
  pinned: stored.pinned
})
