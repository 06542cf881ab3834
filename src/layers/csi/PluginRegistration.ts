/** The calls by which a plugin that opened a socket in the node's registry is got to know, and told how it went. */
import { Context, type Effect } from "effect"
import type { GrpcError } from "../grpc/Grpc.ts"

export interface PluginInfo {
  /** `CSIPlugin`, `DevicePlugin`, `DRAPlugin`. */
  readonly type: string
  readonly name: string
  /** Where its API is served; empty: on the registration socket. */
  readonly endpoint: string
  readonly versions: ReadonlyArray<string>
}

export class PluginRegistration extends Context.Service<PluginRegistration, {
  /** Connects within ten seconds, and has the answer within one more. */
  readonly info: (socketPath: string) => Effect.Effect<PluginInfo, GrpcError>
  /** Tells the plugin that it was taken, or why not: `problem` is empty when all is well. */
  readonly notify: (socketPath: string, problem: string) => Effect.Effect<void, GrpcError>
}>()("kubeffect/layers/csi/PluginRegistration") {}
