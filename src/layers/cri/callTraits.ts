/** What differs from call to call of the runtime: how long to wait, what it is about, what its metrics are named. */
import { type DescMethod, isMessage, type Message } from "@bufbuild/protobuf"
import {
  CheckpointContainerRequestSchema,
  ExecSyncRequestSchema,
  ImageFsInfoRequestSchema,
  PullImageRequestSchema,
  RunPodSandboxRequestSchema,
  StatusRequestSchema,
  StopContainerRequestSchema,
  VersionRequestSchema
} from "../../gen/cri/api_pb.ts"

/** Health is asked every 5 s: an answer that comes later than this is no answer. */
const healthTimeoutMs = 15_000
const noTimeout = Number.POSITIVE_INFINITY

/** D22: the kubelet's deadlines, from its `runtimeRequestTimeout` and the times that requests bring themselves. */
export const timeoutMsOf = (request: Message, requestTimeoutMs: number): number => {
  if (isMessage(request, VersionRequestSchema) || isMessage(request, StatusRequestSchema)) {
    return Math.min(requestTimeoutMs, healthTimeoutMs)
  }
  // Setting up a sandbox may pull its image and runs the network plugins.
  if (isMessage(request, RunPodSandboxRequestSchema)) return 2 * requestTimeoutMs
  if (isMessage(request, StopContainerRequestSchema) || isMessage(request, CheckpointContainerRequestSchema)) {
    return requestTimeoutMs + Math.max(0, Number(request.timeout)) * 1000
  }
  if (isMessage(request, ExecSyncRequestSchema)) {
    return request.timeout === 0n ? noTimeout : requestTimeoutMs + Number(request.timeout) * 1000
  }
  if (isMessage(request, PullImageRequestSchema) || isMessage(request, ImageFsInfoRequestSchema)) return noTimeout
  return requestTimeoutMs
}

/** The id or name that the request is about, as a message or as its caller wrote it; empty where it has none. */
export const targetOf = (request: object): string => {
  if ("containerId" in request && typeof request.containerId === "string") return request.containerId
  if ("config" in request && isNamed(request.config)) return request.config.metadata.name
  if ("podSandboxId" in request && typeof request.podSandboxId === "string") return request.podSandboxId
  if ("image" in request && isImage(request.image)) return request.image.image
  return ""
}

const isNamed = (config: unknown): config is { readonly metadata: { readonly name: string } } =>
  isObject(config) && isObject(config["metadata"]) && typeof config["metadata"]["name"] === "string"

const isImage = (image: unknown): image is { readonly image: string } =>
  isObject(image) && typeof image["image"] === "string"

const isObject = (value: unknown): value is Record<string, unknown> => typeof value === "object" && value !== null

/** The kubelet's name of a call in metrics: `RunPodSandbox` is `run_podsandbox`. */
export const operationType = (method: DescMethod): string =>
  method.name === "UpdateContainerResources"
    ? "update_container"
    : method.name.replace(/(?<=[a-z])(?=[A-Z])/g, "_").toLowerCase().replace("pod_sandbox", "podsandbox")
