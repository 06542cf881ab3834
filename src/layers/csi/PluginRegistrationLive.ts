/** Plugin registration v1 over the sockets of `plugins_registry` (parity J1). */
import { Effect, Layer } from "effect"
import { Registration } from "../../gen/registration/registration_pb.ts"
import { openChannel } from "../grpc/connect.ts"
import { PluginRegistration } from "./PluginRegistration.ts"

/** Connecting and answering. */
const infoTimeoutMs = 11_000
const notifyTimeoutMs = 5000

const clientOf = Effect.fnUntraced(function*(socketPath: string) {
  const channel = yield* openChannel({ address: socketPath })
  return channel.client(Registration, {
    name: "PluginRegistration",
    timeoutMs: (method) => (method.localName === "getInfo" ? infoTimeoutMs : notifyTimeoutMs),
    mapError: (error) => error
  })
})

export const layer: Layer.Layer<PluginRegistration> = Layer.succeed(
  PluginRegistration,
  PluginRegistration.of({
    info: Effect.fn("PluginRegistration.info")(function*(socketPath: string) {
      const client = yield* clientOf(socketPath)
      const { endpoint, name, supportedVersions, type } = yield* client.getInfo({})
      return { type, name, endpoint, versions: supportedVersions }
    }, Effect.scoped),
    notify: Effect.fn("PluginRegistration.notify")(function*(socketPath: string, problem: string) {
      const client = yield* clientOf(socketPath)
      yield* client.notifyRegistrationStatus({ pluginRegistered: problem === "", error: problem })
    }, Effect.scoped)
  })
)
