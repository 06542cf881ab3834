/** Device plugins over gRPC on unix sockets. */
import { Effect, Layer } from "effect"
import { DevicePlugin, Registration } from "../../gen/deviceplugin/deviceplugin_pb.ts"
import { openChannel } from "../grpc/connect.ts"
import { GrpcCode } from "../grpc/Grpc.ts"
import { GrpcStatus, implement, serveGrpc } from "../grpc/serve.ts"
import { DevicePlugins } from "./DevicePlugins.ts"

/** As the kubelet waits for a plugin to prepare a device; everything else is quicker. */
const callTimeoutMs = 30_000

export const layer: Layer.Layer<DevicePlugins> = Layer.succeed(
  DevicePlugins,
  DevicePlugins.of({
    serve: Effect.fn("DevicePlugins.serve")((socketPath, take) =>
      serveGrpc({
        socketPath,
        services: [implement(Registration, {
          register: ({ endpoint, options, resourceName, version }) =>
            take({
              version,
              endpoint,
              resource: resourceName,
              preStartRequired: options?.preStartRequired ?? false,
              hasPreference: options?.getPreferredAllocationAvailable ?? false
            }).pipe(
              Effect.flatMap((problem) =>
                problem === ""
                  ? Effect.succeed({})
                  : Effect.fail(new GrpcStatus({ code: GrpcCode.Unknown, detail: problem }))
              )
            )
        })]
      })
    ),
    open: Effect.fn("DevicePlugins.open")((socketPath) =>
      Effect.map(openChannel({ address: socketPath }), (channel) =>
        channel.client(DevicePlugin, {
          name: "DevicePlugin",
          timeoutMs: () => callTimeoutMs,
          mapError: (error) => error
        }))
    )
  })
)
