/** The Node object: as it is first registered, and what of an existing one is brought in line (parity B1, B2, B9–B11). */
import { equalValues } from "../equalValues.ts"
import type { Node, NodeCondition, NodeStatus } from "../k8s/node.ts"
import { nodeAddresses } from "./addresses.ts"
import { allocatableOf, capacityOf, type MachineSize, type Reservations } from "./capacity.ts"

export interface NodeIdentity extends Reservations {
  readonly nodeName: string
  readonly hostname: string
  readonly nodeLabels: Readonly<Record<string, string>>
  readonly registerWithTaints: ReadonlyArray<{ readonly key: string; readonly value?: string; readonly effect: string }>
  readonly unschedulable: boolean
  readonly providerId: string
  readonly kubeletVersion: string
  readonly port: number
  /** Undefined where nodes do not declare anything. */
  readonly declaredFeatures: ReadonlyArray<string> | undefined
}

export interface Machine extends MachineSize {
  readonly machineID: string
  readonly systemUUID: string
  readonly bootID: string
  readonly kernelVersion: string
  readonly osImage: string
  readonly architecture: string
  readonly operatingSystem: string
  readonly swaps: ReadonlyArray<{ readonly sizeBytes: number }>
}

export interface RuntimeFacts {
  readonly version: string
  readonly handlers: ReadonlyArray<{
    readonly name: string
    readonly recursiveReadOnlyMounts: boolean
    readonly userNamespaces: boolean
  }>
  readonly supplementalGroupsPolicy: boolean
}

export interface NodeImage {
  readonly names: ReadonlyArray<string>
  readonly sizeBytes: number
}

/** Labels that every node carries; the legacy pair is still read by old tools. */
export const defaultLabels = (hostname: string, machine: Machine): Readonly<Record<string, string>> => ({
  "beta.kubernetes.io/arch": machine.architecture,
  "beta.kubernetes.io/os": machine.operatingSystem,
  "kubernetes.io/arch": machine.architecture,
  "kubernetes.io/hostname": hostname,
  "kubernetes.io/os": machine.operatingSystem
})

/** Names per image, and digests before tags, as the kubelet lists them (parity B10). */
const maxNamesPerImage = 5

/** Largest first, at most `max` (−1: all). */
export const nodeImages = (images: ReadonlyArray<NodeImage>, max: number): NonNullable<NodeStatus["images"]> => {
  const sorted = [...images].sort((a, b) =>
    b.sizeBytes - a.sizeBytes || ((a.names[0] ?? "") < (b.names[0] ?? "") ? -1 : 1)
  )
  return (max < 0 ? sorted : sorted.slice(0, max)).map(({ names, sizeBytes }) => ({
    names: names.slice(0, maxNamesPerImage),
    sizeBytes
  }))
}

export interface StatusInput {
  readonly identity: NodeIdentity
  readonly machine: Machine
  readonly runtime: RuntimeFacts
  readonly ips: ReadonlyArray<string>
  readonly images: ReadonlyArray<NodeImage>
  readonly maxImages: number
  readonly conditions: ReadonlyArray<NodeCondition>
  readonly volumesInUse: ReadonlyArray<string>
}

/** The status to report. What others own (attached volumes) is not in it, and neither are devices of plugins. */
export const nodeStatus = (input: StatusInput): NodeStatus => ({
  capacity: capacityOf(input.machine, input.identity),
  allocatable: allocatableOf(input.machine, input.identity),
  conditions: input.conditions,
  addresses: nodeAddresses(input.ips, input.identity.hostname),
  daemonEndpoints: { kubeletEndpoint: { Port: input.identity.port } },
  nodeInfo: {
    machineID: input.machine.machineID,
    systemUUID: input.machine.systemUUID,
    bootID: input.machine.bootID,
    kernelVersion: input.machine.kernelVersion,
    osImage: input.machine.osImage,
    containerRuntimeVersion: input.runtime.version,
    kubeletVersion: input.identity.kubeletVersion,
    // Always empty since 1.33, but a required field of older servers.
    kubeProxyVersion: "",
    operatingSystem: input.machine.operatingSystem,
    architecture: input.machine.architecture,
    swap: { capacity: input.machine.swaps.reduce((sum, swap) => sum + swap.sizeBytes, 0) }
  },
  images: nodeImages(input.images, input.maxImages),
  volumesInUse: input.volumesInUse,
  runtimeHandlers: input.runtime.handlers.map((handler) => ({
    name: handler.name,
    features: {
      recursiveReadOnlyMounts: handler.recursiveReadOnlyMounts,
      userNamespaces: handler.userNamespaces
    }
  })),
  features: { supplementalGroupsPolicy: input.runtime.supplementalGroupsPolicy },
  ...(input.identity.declaredFeatures === undefined ? {} : { declaredFeatures: input.identity.declaredFeatures })
})

const attachAnnotation = "volumes.kubernetes.io/controller-managed-attach-detach"

/** The object to create. */
export const newNode = (identity: NodeIdentity, machine: Machine, status: NodeStatus): Node => ({
  apiVersion: "v1",
  kind: "Node",
  metadata: {
    name: identity.nodeName,
    labels: { ...defaultLabels(identity.hostname, machine), ...identity.nodeLabels },
    annotations: { [attachAnnotation]: "true" }
  },
  spec: {
    ...(identity.providerId === "" ? {} : { providerID: identity.providerId }),
    ...(identity.unschedulable ? { unschedulable: true } : {}),
    ...(identity.registerWithTaints.length === 0 ? {} : { taints: identity.registerWithTaints })
  },
  status
})

/** A merge patch that brings an existing node's labels and annotation in line; undefined when nothing differs. */
export const adoptPatch = (
  existing: Node,
  identity: NodeIdentity,
  machine: Machine
): Readonly<Record<string, unknown>> | undefined => {
  const wanted = { ...defaultLabels(identity.hostname, machine), ...identity.nodeLabels }
  const labels = Object.fromEntries(
    Object.entries(wanted).filter(([key, value]) => existing.metadata.labels?.[key] !== value)
  )
  const attached = existing.metadata.annotations?.[attachAnnotation] === "true"
  if (Object.keys(labels).length === 0 && attached) return undefined
  return { metadata: { labels, annotations: { [attachAnnotation]: "true" } } }
}

const withoutHeartbeat = (condition: NodeCondition): Omit<NodeCondition, "lastHeartbeatTime"> => {
  const { lastHeartbeatTime: _, ...rest } = condition
  return rest
}

const withoutHeartbeats = (status: NodeStatus): unknown => ({
  ...status,
  conditions: (status.conditions ?? []).map(withoutHeartbeat)
})

/**
 * True when the status differs from the last one sent in more than heartbeat times, which is when it is worth a write
 * (parity B3). Compared with what was sent and not with what the server shows: an old server drops fields it does not
 * know, and would be written to for ever (parity Q2).
 */
export const statusChanged = (sent: NodeStatus | undefined, next: NodeStatus): boolean =>
  sent === undefined || !equalValues(withoutHeartbeats(sent), withoutHeartbeats(next))

/** True when somebody else changed a condition that is ours to say, such as the node controller's `Unknown`. */
export const conditionsOverruled = (sent: NodeStatus | undefined, shown: NodeStatus | undefined): boolean =>
  (sent?.conditions ?? []).some((ours) =>
    shown?.conditions?.find((theirs) => theirs.type === ours.type)?.status !== ours.status
  )

/**
 * Strategic merge patch from what the server shows to what is wanted. Addresses merge by type, so that two of one type
 * would overwrite each other: they are replaced as a whole (parity B3).
 */
export const nodeStatusPatch = (after: NodeStatus): Readonly<Record<string, unknown>> => ({
  status: {
    ...after,
    addresses: [...(after.addresses ?? []), { $patch: "replace" }]
  }
})
