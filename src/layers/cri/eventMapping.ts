/** What the events of CRI and of containerd say, in our words. */
import { createRegistry, isMessage } from "@bufbuild/protobuf"
import { anyUnpack, timestampMs } from "@bufbuild/protobuf/wkt"
import type { Envelope } from "../../gen/containerd/envelope_pb.ts"
import {
  ContainerCreateSchema,
  ContainerDeleteSchema,
  TaskExitSchema,
  TaskStartSchema
} from "../../gen/containerd/events_pb.ts"
import { type ContainerEventResponse, ContainerEventType, ContainerState } from "../../gen/cri/api_pb.ts"
import type { RuntimeEvent } from "./RuntimeEvents.ts"

const kinds = new Map<number, RuntimeEvent["kind"]>([
  [ContainerEventType.CONTAINER_CREATED_EVENT, "Created"],
  [ContainerEventType.CONTAINER_STARTED_EVENT, "Started"],
  [ContainerEventType.CONTAINER_STOPPED_EVENT, "Stopped"],
  [ContainerEventType.CONTAINER_DELETED_EVENT, "Deleted"]
])

export const fromCriEvent = (event: ContainerEventResponse): RuntimeEvent => {
  const sandbox = event.podSandboxStatus
  const status = event.containersStatuses.find((each) => each.id === event.containerId)
  return {
    containerId: event.containerId,
    kind: kinds.get(event.containerEventType) ?? "Unknown",
    occurredAtMs: Number(event.createdAt / 1_000_000n),
    ...(sandbox === undefined ? {} : { sandboxId: sandbox.id }),
    ...(sandbox?.metadata === undefined ? {} : { podUid: sandbox.metadata.uid }),
    ...(status?.state === ContainerState.CONTAINER_EXITED ? { exitCode: status.exitCode } : {})
  }
}

/**
 * Of Kubernetes' containers and their tasks those that `fromContainerdEvent` reads; `,` is "and". What else containerd
 * tells of a start and of every exec is not even sent.
 */
export const containerdFilter = "namespace==k8s.io,topic~=\"^/(containers/(create|delete)|tasks/(start|exit))$\""

const messages = createRegistry(ContainerCreateSchema, ContainerDeleteSchema, TaskExitSchema, TaskStartSchema)

/** Undefined for events that say nothing about the life of a container, such as the end of a process exec'ed in it. */
export const fromContainerdEvent = (envelope: Envelope): RuntimeEvent | undefined => {
  const message = envelope.event === undefined ? undefined : anyUnpack(envelope.event, messages)
  const occurred = envelope.timestamp === undefined ? {} : { occurredAtMs: timestampMs(envelope.timestamp) }
  if (isMessage(message, ContainerCreateSchema)) return { containerId: message.id, kind: "Created", ...occurred }
  if (isMessage(message, ContainerDeleteSchema)) return { containerId: message.id, kind: "Deleted", ...occurred }
  if (isMessage(message, TaskStartSchema)) return { containerId: message.containerId, kind: "Started", ...occurred }
  if (isMessage(message, TaskExitSchema) && message.id === message.containerId) {
    return { containerId: message.containerId, kind: "Stopped", exitCode: message.exitStatus, ...occurred }
  }
  return undefined
}
