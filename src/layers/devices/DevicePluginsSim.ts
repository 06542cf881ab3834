/** A machine without device plugins. */
import { Effect, Layer } from "effect"
import { DevicePlugins } from "./DevicePlugins.ts"

export const layer: Layer.Layer<DevicePlugins> = Layer.succeed(
  DevicePlugins,
  DevicePlugins.of({
    serve: () => Effect.void,
    open: (socketPath) => Effect.die(new Error(`nobody serves devices at ${socketPath}`))
  })
)
