import { create } from "@bufbuild/protobuf"
import { assert, it } from "@effect/vitest"
import { describe } from "vitest"
import {
  CheckpointContainerRequestSchema,
  CreateContainerRequestSchema,
  ExecSyncRequestSchema,
  ImageFsInfoRequestSchema,
  ImageService,
  ListContainersRequestSchema,
  PullImageRequestSchema,
  RunPodSandboxRequestSchema,
  RuntimeService,
  StatusRequestSchema,
  StopContainerRequestSchema,
  StopPodSandboxRequestSchema
} from "../../../src/gen/cri/api_pb.ts"
import { operationType, targetOf, timeoutMsOf } from "../../../src/layers/cri/callTraits.ts"

const forEver = Number.POSITIVE_INFINITY
const stop = (timeout: bigint) => create(StopContainerRequestSchema, { timeout })
const exec = (timeout: bigint) => create(ExecSyncRequestSchema, { timeout })

describe("D22: how long a call may take", () => {
  it.each([
    { request: create(ListContainersRequestSchema), want: 120_000, why: "runtimeRequestTimeout" },
    { request: create(RunPodSandboxRequestSchema), want: 240_000, why: "twice: it may pull the sandbox image" },
    { request: stop(30n), want: 150_000, why: "on top of the grace period" },
    { request: stop(0n), want: 120_000, why: "no grace period" },
    { request: exec(10n), want: 130_000, why: "on top of the command's own time" },
    { request: exec(0n), want: forEver, why: "a command without a limit" },
    {
      request: create(CheckpointContainerRequestSchema, { timeout: 5n }),
      want: 125_000,
      why: "on top of its own time"
    },
    { request: create(PullImageRequestSchema), want: forEver, why: "images take what they take" },
    { request: create(ImageFsInfoRequestSchema), want: forEver, why: "it may walk the whole disk" },
    { request: create(StatusRequestSchema), want: 15_000, why: "health is asked every 5 s" }
  ])("$request.$typeName → $want ms: $why", ({ request, want }) => {
    assert.strictEqual(timeoutMsOf(request, 120_000), want)
  })
})

describe("what a call is about", () => {
  it.each([
    { request: create(StopContainerRequestSchema, { containerId: "c1" }), want: "c1", why: "a container" },
    { request: create(StopPodSandboxRequestSchema, { podSandboxId: "s1" }), want: "s1", why: "a sandbox" },
    {
      request: create(CreateContainerRequestSchema, { podSandboxId: "s1", config: { metadata: { name: "app" } } }),
      want: "app",
      why: "the container to be, by name"
    },
    {
      request: create(RunPodSandboxRequestSchema, { config: { metadata: { name: "web" } } }),
      want: "web",
      why: "the sandbox to be, by the pod's name"
    },
    { request: create(PullImageRequestSchema, { image: { image: "busybox" } }), want: "busybox", why: "an image" },
    { request: create(ListContainersRequestSchema), want: "", why: "nothing in particular" }
  ])("$request.$typeName → $want: $why", ({ request, want }) => {
    assert.strictEqual(targetOf(request), want)
  })
})

describe("the name of a call in metrics", () => {
  it.each([
    { method: RuntimeService.method.runPodSandbox, want: "run_podsandbox" },
    { method: RuntimeService.method.podSandboxStatus, want: "podsandbox_status" },
    { method: RuntimeService.method.updateContainerResources, want: "update_container" },
    { method: RuntimeService.method.execSync, want: "exec_sync" },
    { method: RuntimeService.method.version, want: "version" },
    { method: ImageService.method.imageFsInfo, want: "image_fs_info" }
  ])("$method.name → $want", ({ method, want }) => {
    assert.strictEqual(operationType(method), want)
  })
})
