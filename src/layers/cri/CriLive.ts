/**
 * The runtime over its gRPC socket. Connects when first called and again after the runtime restarts; each call has the
 * kubelet's deadline (parity D22) and counts in `kubelet_runtime_operations_*`.
 */
import { create, type DescMessage, type DescMethod, type Message, type MessageShape } from "@bufbuild/protobuf"
import { Effect, Layer } from "effect"
import {
  ImageService,
  RemoveContainerResponseSchema,
  RemoveImageResponseSchema,
  RemovePodSandboxResponseSchema,
  RuntimeService,
  StopContainerResponseSchema,
  StopPodSandboxResponseSchema
} from "../../gen/cri/api_pb.ts"
import { type ClientSettings, openChannel } from "../grpc/connect.ts"
import type { GrpcError } from "../grpc/Grpc.ts"
import { targetOf, timeoutMsOf } from "./callTraits.ts"
import { Cri, CriError } from "./Cri.ts"
import { observeOperation } from "./operationMetrics.ts"

export interface CriLiveOptions {
  /** `containerRuntimeEndpoint`: `unix:///run/containerd/containerd.sock`, or a bare path. */
  readonly endpoint: string
  /** `imageServiceEndpoint`; the runtime's own when absent. */
  readonly imageEndpoint?: string
  /** `runtimeRequestTimeout` in milliseconds; 2 minutes when absent. */
  readonly requestTimeoutMs?: number
}

const defaultRequestTimeoutMs = 120_000

export const layer = (options: CriLiveOptions): Layer.Layer<Cri> =>
  Layer.effect(
    Cri,
    Effect.gen(function*() {
      const runtimeChannel = yield* openChannel({ address: options.endpoint })
      const imageChannel = options.imageEndpoint === undefined || options.imageEndpoint === options.endpoint
        ? runtimeChannel
        : yield* openChannel({ address: options.imageEndpoint })
      const requestTimeoutMs = options.requestTimeoutMs ?? defaultRequestTimeoutMs
      const settings: ClientSettings<CriError> = {
        name: "Cri",
        timeoutMs: (_method, request) => timeoutMsOf(request, requestTimeoutMs),
        mapError: toCriError,
        observe: observeOperation
      }
      const runtime = runtimeChannel.client(RuntimeService, settings)
      const images = imageChannel.client(ImageService, settings)
      return Cri.of({
        ...runtime,
        ...images,
        // The CRI wants these to succeed for what is gone; containerd before 2.0 answers NotFound.
        stopPodSandbox: (request, options) =>
          orGone(runtime.stopPodSandbox(request, options), StopPodSandboxResponseSchema),
        removePodSandbox: (request, options) =>
          orGone(runtime.removePodSandbox(request, options), RemovePodSandboxResponseSchema),
        stopContainer: (request, options) =>
          orGone(runtime.stopContainer(request, options), StopContainerResponseSchema),
        removeContainer: (request, options) =>
          orGone(runtime.removeContainer(request, options), RemoveContainerResponseSchema),
        removeImage: (request, options) => orGone(images.removeImage(request, options), RemoveImageResponseSchema)
      })
    })
  )

const orGone = <S extends DescMessage>(call: Effect.Effect<MessageShape<S>, CriError>, empty: S) =>
  Effect.catchReason(call, "CriError", "NotFound", () => Effect.succeed(create(empty)))

const toCriError = (error: GrpcError, method: DescMethod, request: Message): CriError =>
  new CriError({
    op: method.name,
    target: targetOf(request),
    reason: error.reason,
    code: error.code,
    detail: error.detail,
    cause: error.cause
  })
