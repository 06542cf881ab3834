/** The Node object: what the agent registers and keeps up to date. */
import { Schema } from "effect"
import { bool, list, num, optional, resourceList, str, strings, time } from "./fields.ts"
import { ObjectMeta } from "./meta.ts"

export const Taint = Schema.Struct({ key: Schema.String, value: str, effect: Schema.String, timeAdded: time })
export interface Taint extends Schema.Schema.Type<typeof Taint> {}

export const NodeSpec = Schema.Struct({
  podCIDR: str,
  podCIDRs: strings,
  providerID: str,
  unschedulable: bool,
  taints: list(Taint)
})
export interface NodeSpec extends Schema.Schema.Type<typeof NodeSpec> {}

export const NodeCondition = Schema.Struct({
  type: Schema.String,
  status: Schema.String,
  lastHeartbeatTime: time,
  lastTransitionTime: time,
  reason: str,
  message: str
})
export interface NodeCondition extends Schema.Schema.Type<typeof NodeCondition> {}

export const NodeAddress = Schema.Struct({ type: Schema.String, address: Schema.String })
export interface NodeAddress extends Schema.Schema.Type<typeof NodeAddress> {}

export const NodeSystemInfo = Schema.Struct({
  machineID: str,
  systemUUID: str,
  bootID: str,
  kernelVersion: str,
  osImage: str,
  containerRuntimeVersion: str,
  kubeletVersion: str,
  kubeProxyVersion: str,
  operatingSystem: str,
  architecture: str,
  swap: optional(Schema.Struct({ capacity: num }))
})
export interface NodeSystemInfo extends Schema.Schema.Type<typeof NodeSystemInfo> {}

export const ContainerImage = Schema.Struct({ names: strings, sizeBytes: num })
export interface ContainerImage extends Schema.Schema.Type<typeof ContainerImage> {}

export const AttachedVolume = Schema.Struct({ name: Schema.String, devicePath: str })
export interface AttachedVolume extends Schema.Schema.Type<typeof AttachedVolume> {}

export const NodeRuntimeHandler = Schema.Struct({
  name: str,
  features: optional(Schema.Struct({ recursiveReadOnlyMounts: bool, userNamespaces: bool }))
})
export interface NodeRuntimeHandler extends Schema.Schema.Type<typeof NodeRuntimeHandler> {}

export const NodeStatus = Schema.Struct({
  capacity: resourceList,
  allocatable: resourceList,
  phase: str,
  conditions: list(NodeCondition),
  addresses: list(NodeAddress),
  daemonEndpoints: optional(
    Schema.Struct({ kubeletEndpoint: optional(Schema.Struct({ Port: Schema.Number })) })
  ),
  nodeInfo: optional(NodeSystemInfo),
  images: list(ContainerImage),
  volumesInUse: strings,
  volumesAttached: list(AttachedVolume),
  runtimeHandlers: list(NodeRuntimeHandler),
  features: optional(Schema.Struct({ supplementalGroupsPolicy: bool })),
  declaredFeatures: strings
})
export interface NodeStatus extends Schema.Schema.Type<typeof NodeStatus> {}

export const Node = Schema.Struct({
  apiVersion: str,
  kind: str,
  metadata: ObjectMeta,
  spec: optional(NodeSpec),
  status: optional(NodeStatus)
})
export interface Node extends Schema.Schema.Type<typeof Node> {}
