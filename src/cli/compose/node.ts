/**
 * A whole node: the agent and its server, over whatever API server, runtime and host it is given. Everything that runs
 * one, the daemon, `kubeffect up`, the benchmark and the examples, runs this.
 */
import { Context, Effect, Layer, Schema, Tracer } from "effect"
import type { KubeletConfiguration } from "../../domain/kubeletConfig/defaults.ts"
import { apiVersion, kind, KubeletConfigurationFile } from "../../domain/kubeletConfig/file.ts"
import type { Notifications } from "../../domain/process/watchdog.ts"
import { agent } from "../../programs/agent.ts"
import { AgentConfig, type AgentSettings } from "../../programs/AgentConfig.ts"
import type { NetworkMode } from "../../programs/network/PodNetwork.ts"
import { tellSystemd } from "../../programs/process/tellSystemd.ts"
import * as ReadModel from "../../programs/server/readModel.ts"
import { pluginLayers, podNetworkLayers } from "./networkLayers.ts"
import { programLayers } from "./programLayers.ts"

/** The configuration as `/configz` shows it: a file that would make it. */
export const configz = (config: KubeletConfiguration): unknown =>
  Schema.encodeSync(KubeletConfigurationFile)({ ...config, apiVersion, kind })

export interface NodePlan {
  readonly settings: AgentSettings
  readonly config: KubeletConfiguration
  /** Who makes the networks of pods; the runtime when absent. */
  readonly networkMode?: NetworkMode
}

/** The services of a node's programs, and what its server may know of them. */
export const nodeLayers = ({ config, networkMode = "runtime", settings }: NodePlan) => {
  const network = { rootDir: settings.rootDir, mode: networkMode, podCidr: settings.standalone ? config.podCIDR : "" }
  return ReadModel.layer(Effect.sync(() => configz(config))).pipe(
    Layer.provideMerge(podNetworkLayers(network)),
    Layer.provideMerge(programLayers(settings.standalone)),
    Layer.provideMerge(pluginLayers(network)),
    Layer.provideMerge(Layer.succeed(AgentConfig, settings))
  )
}

/**
 * Runs for ever. `server` is up before the first pod is looked at: it is what says that the node is there. `manager` is
 * what started the agent and wants to hear of it.
 */
export const runNode = <A, E, R>(
  plan: NodePlan,
  server: Layer.Layer<A, E, R>,
  manager: Notifications = { wanted: false, watchdogMs: undefined }
) =>
  Effect.raceFirst(agent, tellSystemd(manager)).pipe(
    Effect.provide(server.pipe(Layer.provideMerge(nodeLayers(plan)))),
    outsideOfSpans
  )

/** Services keep the context they are made in: a span of whoever starts the node would be parent to all it ever does. */
const outsideOfSpans = <A, E, R>(self: Effect.Effect<A, E, R>): Effect.Effect<A, E, R> =>
  Effect.updateContext(self, (context: Context.Context<R>) =>
    // What is left out was never asked for: `R` stays what it is.
    Context.omit(Tracer.ParentSpan)(context) as Context.Context<R>)
