/**
 * Device plugins (parity L12) as the node meets them: they register at a socket of the node's, and serve their devices
 * at one of their own.
 */
import { Context, type Effect, type Scope } from "effect"
import type { DevicePlugin } from "../../gen/deviceplugin/deviceplugin_pb.ts"
import type { GrpcMethods, GrpcServeError } from "../grpc/Grpc.ts"

export interface PluginOffer {
  readonly version: string
  /** Name of the plugin's socket, in the folder of the registration socket. */
  readonly endpoint: string
  readonly resource: string
  readonly preStartRequired: boolean
  readonly hasPreference: boolean
}

export type DevicePluginClient = GrpcMethods<typeof DevicePlugin>

export class DevicePlugins extends Context.Service<DevicePlugins, {
  /**
   * Takes registrations at the socket until the scope ends. `take` answers with what the plugin is told is wrong with
   * its offer, empty when it is taken. The folder must exist, a stale socket not.
   */
  readonly serve: (
    socketPath: string,
    take: (offer: PluginOffer) => Effect.Effect<string>
  ) => Effect.Effect<void, GrpcServeError, Scope.Scope>
  /** The plugin at a socket, for as long as the scope. */
  readonly open: (socketPath: string) => Effect.Effect<DevicePluginClient, never, Scope.Scope>
}>()("kubeffect/layers/devices/DevicePlugins") {}
