/** The networks of pods: what runs plugins, what watches their configuration, and who makes the networks. */
import { Layer } from "effect"
import * as CniLive from "../../layers/cni/CniLive.ts"
import * as ShimServerLive from "../../layers/cni/ShimServerLive.ts"
import * as AgentMode from "../../programs/network/agentMode.ts"
import * as NetworkProblems from "../../programs/network/NetworkProblems.ts"
import type { NetworkMode } from "../../programs/network/PodNetwork.ts"

export interface NetworkPlan {
  readonly rootDir: string
  readonly mode: NetworkMode
  /** For a node without an API server. */
  readonly podCidr: string
}

/** Plugins are looked for where the runtime has them; the folder given serves those who cannot ask it. */
export const pluginLayers = ({ rootDir }: Pick<NetworkPlan, "rootDir">) =>
  NetworkProblems.layer.pipe(
    Layer.provideMerge(
      CniLive.layer({
        binDirs: ["/opt/cni/bin"],
        cacheDir: `${rootDir}/network/cache`,
        // Less than shims wait, so that they hear what it was.
        timeoutMs: 45_000,
        endEarlierRuns: true
      })
    )
  )

export const podNetworkLayers = ({ mode, podCidr, rootDir }: NetworkPlan) =>
  mode === "runtime" ? AgentMode.layerRuntime({ podCidr }) : AgentMode.layer({ podCidr }).pipe(
    Layer.provide(ShimServerLive.layer(`${rootDir}/network/cni.sock`))
  )
