/**
 * Device plugins (parity L12) as the node meets them: they register at a socket of the node's, and serve their devices
 * at one of their own.
 */
import { Context, type Effect, Schema, type Scope } from "effect"
import type { DevicePlugin } from "../../gen/deviceplugin/deviceplugin_pb.ts"
import { GrpcFailure, type GrpcMethods } from "../grpc/Grpc.ts"

/** A call to a plugin failed, or the registration socket could not be opened. */
export class DeviceError extends Schema.TaggedError<DeviceError>()("DeviceError", {
  op: Schema.String,
  /** The socket. */
  target: Schema.String,
  reason: GrpcFailure,
  detail: Schema.String,
  cause: Schema.Defect()
}) {
  override get message(): string {
    return `${this.op} at ${this.target}: ${this.detail}`
  }
}

export interface PluginOffer {
  readonly version: string
  /** Name of the plugin's socket, in the folder of the registration socket. */
  readonly endpoint: string
  readonly resource: string
  readonly preStartRequired: boolean
  readonly hasPreference: boolean
}

export type DevicePluginClient = GrpcMethods<typeof DevicePlugin, DeviceError>

export class DevicePlugins extends Context.Service<DevicePlugins, {
  /**
   * Takes registrations at the socket until the scope ends. `take` answers with what the plugin is told is wrong with
   * its offer, empty when it is taken. The folder must exist, a stale socket not.
   */
  readonly serve: (
    socketPath: string,
    take: (offer: PluginOffer) => Effect.Effect<string>
  ) => Effect.Effect<void, DeviceError, Scope.Scope>
  /** The plugin at a socket, for as long as the scope. */
  readonly open: (socketPath: string) => Effect.Effect<DevicePluginClient, never, Scope.Scope>
}>()("kubeffect/layers/devices/DevicePlugins") {}
