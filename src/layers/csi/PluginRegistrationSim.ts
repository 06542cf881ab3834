/** Plugins that offer themselves without processes: what each says of itself, and what it was told. */
import { Effect, Layer } from "effect"
import { Retryable } from "../../domain/failure.ts"
import { GrpcCode, GrpcError } from "../grpc/Grpc.ts"
import { type PluginInfo, PluginRegistration } from "./PluginRegistration.ts"

export interface SimPlugin {
  readonly info: PluginInfo
  /** Each problem it was told of; empty text: it was taken. */
  readonly told: Array<string>
}

/** By the path of their socket. */
export type SimPlugins = Map<string, SimPlugin>

const refused = (op: string, target: string) =>
  new GrpcError({
    op,
    target,
    reason: new Retryable({}),
    code: GrpcCode.Unavailable,
    detail: `cannot connect to ${target}`,
    cause: undefined
  })

export const layer = (plugins: SimPlugins): Layer.Layer<PluginRegistration> =>
  Layer.succeed(
    PluginRegistration,
    PluginRegistration.of({
      info: (socketPath) =>
        Effect.suspend(() => {
          const plugin = plugins.get(socketPath)
          return plugin === undefined ? Effect.fail(refused("GetInfo", socketPath)) : Effect.succeed(plugin.info)
        }),
      notify: (socketPath, problem) =>
        Effect.suspend(() => {
          const plugin = plugins.get(socketPath)
          if (plugin === undefined) return Effect.fail(refused("NotifyRegistrationStatus", socketPath))
          plugin.told.push(problem)
          return Effect.void
        })
    })
  )
