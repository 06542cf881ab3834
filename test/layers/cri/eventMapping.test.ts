import { create, type DescMessage, type MessageInitShape } from "@bufbuild/protobuf"
import { anyPack, timestampFromMs } from "@bufbuild/protobuf/wkt"
import { assert, it } from "@effect/vitest"
import { describe } from "vitest"
import { type Envelope, EnvelopeSchema } from "../../../src/gen/containerd/envelope_pb.ts"
import {
  ContainerCreateSchema,
  ContainerDeleteSchema,
  TaskCreateSchema,
  TaskExitSchema,
  TaskStartSchema
} from "../../../src/gen/containerd/events_pb.ts"
import { ContainerEventResponseSchema, ContainerEventType, ContainerState } from "../../../src/gen/cri/api_pb.ts"
import { fromContainerdEvent, fromCriEvent } from "../../../src/layers/cri/eventMapping.ts"
import type { RuntimeEvent } from "../../../src/layers/cri/RuntimeEvents.ts"

const envelope = <S extends DescMessage>(schema: S, init: MessageInitShape<S>) => {
  const event = anyPack(schema, create(schema, init))
  // containerd writes the bare name, without the URL before it.
  event.typeUrl = schema.typeName
  return create(EnvelopeSchema, { timestamp: timestampFromMs(5000), namespace: "k8s.io", event })
}

describe("fromContainerdEvent", () => {
  const at = { occurredAtMs: 5000 }
  it.each<{ event: Envelope; want: RuntimeEvent | undefined; why: string }>([
    {
      event: envelope(ContainerCreateSchema, { id: "c" }),
      want: { containerId: "c", kind: "Created", ...at },
      why: "created"
    },
    {
      event: envelope(TaskStartSchema, { containerId: "c", pid: 9 }),
      want: { containerId: "c", kind: "Started", ...at },
      why: "its task runs"
    },
    {
      event: envelope(TaskExitSchema, { containerId: "c", id: "c", exitStatus: 137 }),
      want: { containerId: "c", kind: "Stopped", exitCode: 137, ...at },
      why: "its own process ended"
    },
    {
      event: envelope(TaskExitSchema, { containerId: "c", id: "probe", exitStatus: 1 }),
      want: undefined,
      why: "a process exec'ed in it ended"
    },
    {
      event: envelope(ContainerDeleteSchema, { id: "c" }),
      want: { containerId: "c", kind: "Deleted", ...at },
      why: "removed"
    },
    { event: envelope(TaskCreateSchema, { containerId: "c" }), want: undefined, why: "nothing runs yet" },
    { event: create(EnvelopeSchema), want: undefined, why: "nothing inside" }
  ])("$why → $want.kind", ({ event, want }) => {
    assert.deepEqual(fromContainerdEvent(event), want)
  })
})

describe("fromCriEvent", () => {
  const event = {
    containerId: "c",
    containerEventType: ContainerEventType.CONTAINER_STOPPED_EVENT,
    createdAt: 5_000_000_000n,
    podSandboxStatus: { id: "s", metadata: { uid: "u" } },
    containersStatuses: [
      { id: "other", state: ContainerState.CONTAINER_EXITED, exitCode: 1 },
      { id: "c", state: ContainerState.CONTAINER_EXITED, exitCode: 3 }
    ]
  }

  it("says whose container ended, how and when", () => {
    assert.deepEqual(fromCriEvent(create(ContainerEventResponseSchema, event)), {
      containerId: "c",
      sandboxId: "s",
      podUid: "u",
      kind: "Stopped",
      exitCode: 3,
      occurredAtMs: 5000
    })
  })

  it("has no exit code of a container that runs", () => {
    const running = [{ id: "c", state: ContainerState.CONTAINER_RUNNING }]
    const mapped = fromCriEvent(create(ContainerEventResponseSchema, { ...event, containersStatuses: running }))
    assert.notProperty(mapped, "exitCode")
  })

  it("knows a kind that is newer than it as Unknown", () => {
    const newer = { ...event, containerEventType: 99 as ContainerEventType }
    assert.strictEqual(fromCriEvent(create(ContainerEventResponseSchema, newer)).kind, "Unknown")
  })
})
