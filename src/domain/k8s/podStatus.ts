/** What the agent reports about a pod and its containers. */
import { Schema } from "effect"
import { ResourceRequirements } from "./container.ts"
import { bool, list, num, numbers, optional, resourceList, str, time } from "./fields.ts"

export const ContainerStateWaiting = Schema.Struct({ reason: str, message: str })
export interface ContainerStateWaiting extends Schema.Schema.Type<typeof ContainerStateWaiting> {}

export const ContainerStateRunning = Schema.Struct({ startedAt: time })
export interface ContainerStateRunning extends Schema.Schema.Type<typeof ContainerStateRunning> {}

export const ContainerStateTerminated = Schema.Struct({
  exitCode: Schema.Number,
  signal: num,
  reason: str,
  message: str,
  startedAt: time,
  finishedAt: time,
  containerID: str
})
export interface ContainerStateTerminated extends Schema.Schema.Type<typeof ContainerStateTerminated> {}

/** At most one of the three; none means waiting. */
export const ContainerState = Schema.Struct({
  waiting: optional(ContainerStateWaiting),
  running: optional(ContainerStateRunning),
  terminated: optional(ContainerStateTerminated)
})
export interface ContainerState extends Schema.Schema.Type<typeof ContainerState> {}

export const VolumeMountStatus = Schema.Struct({
  name: Schema.String,
  mountPath: Schema.String,
  readOnly: bool,
  recursiveReadOnly: str,
  volumeStatus: optional(Schema.Struct({ image: optional(Schema.Struct({ imageRef: str })) }))
})
export interface VolumeMountStatus extends Schema.Schema.Type<typeof VolumeMountStatus> {}

export const LinuxContainerUser = Schema.Struct({
  uid: Schema.Number,
  gid: Schema.Number,
  supplementalGroups: numbers
})

export const ContainerUser = Schema.Struct({ linux: optional(LinuxContainerUser) })
export interface ContainerUser extends Schema.Schema.Type<typeof ContainerUser> {}

export const ResourceHealth = Schema.Struct({ resourceID: Schema.String, health: str, message: str })

export const ResourceStatus = Schema.Struct({ name: Schema.String, resources: list(ResourceHealth) })
export interface ResourceStatus extends Schema.Schema.Type<typeof ResourceStatus> {}

export const ContainerStatus = Schema.Struct({
  name: Schema.String,
  state: optional(ContainerState),
  lastState: optional(ContainerState),
  ready: bool,
  restartCount: num,
  image: str,
  imageID: str,
  containerID: str,
  started: bool,
  allocatedResources: resourceList,
  resources: optional(ResourceRequirements),
  volumeMounts: list(VolumeMountStatus),
  user: optional(ContainerUser),
  allocatedResourcesStatus: list(ResourceStatus),
  stopSignal: str
})
export interface ContainerStatus extends Schema.Schema.Type<typeof ContainerStatus> {}

export const PodCondition = Schema.Struct({
  type: Schema.String,
  observedGeneration: num,
  status: Schema.String,
  lastProbeTime: time,
  lastTransitionTime: time,
  reason: str,
  message: str
})
export interface PodCondition extends Schema.Schema.Type<typeof PodCondition> {}

export const PodIP = Schema.Struct({ ip: str })
export interface PodIP extends Schema.Schema.Type<typeof PodIP> {}

export const PodResourceClaimStatus = Schema.Struct({ name: Schema.String, resourceClaimName: str })
export interface PodResourceClaimStatus extends Schema.Schema.Type<typeof PodResourceClaimStatus> {}

export const PodStatus = Schema.Struct({
  observedGeneration: num,
  phase: str,
  conditions: list(PodCondition),
  message: str,
  reason: str,
  nominatedNodeName: str,
  hostIP: str,
  hostIPs: list(PodIP),
  podIP: str,
  podIPs: list(PodIP),
  startTime: time,
  initContainerStatuses: list(ContainerStatus),
  containerStatuses: list(ContainerStatus),
  ephemeralContainerStatuses: list(ContainerStatus),
  qosClass: str,
  /** Deprecated form of the resize conditions (before 1.33). */
  resize: str,
  resourceClaimStatuses: list(PodResourceClaimStatus),
  allocatedResources: resourceList,
  resources: optional(ResourceRequirements)
})
export interface PodStatus extends Schema.Schema.Type<typeof PodStatus> {}
