/**
 * The runtime over its gRPC socket. Connects when first called and again after the runtime restarts; each call has the
 * kubelet's deadline (parity D22) and counts in `kubelet_runtime_operations_*`.
 */
import type { DescMethod, Message } from "@bufbuild/protobuf"
import { Effect, Layer } from "effect"
import { ImageService, RuntimeService } from "../../gen/cri/api_pb.ts"
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
      return Cri.of({
        ...runtimeChannel.client(RuntimeService, settings),
        ...imageChannel.client(ImageService, settings)
      })
    })
  )

const toCriError = (error: GrpcError, method: DescMethod, request: Message): CriError =>
  new CriError({
    op: method.name,
    target: targetOf(request),
    reason: error.reason,
    code: error.code,
    detail: error.detail,
    cause: error.cause
  })
