/** A machine on which nobody asks. */
import { Effect, Layer } from "effect"
import { PodResourcesSocket } from "./PodResourcesSocket.ts"

export const layer: Layer.Layer<PodResourcesSocket> = Layer.succeed(
  PodResourcesSocket,
  PodResourcesSocket.of({ serve: () => Effect.void })
)
