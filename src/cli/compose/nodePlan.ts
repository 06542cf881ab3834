/** The settings of a node in few words: its name, and what its configuration has other than the kubelet's defaults. */
import { Result } from "effect"
import type { KubeletConfigError } from "../../domain/kubeletConfig/decode.ts"
import { apiVersion, kind } from "../../domain/kubeletConfig/file.ts"
import { type EffectiveConfig, effectiveConfig } from "../../domain/kubeletConfig/layering.ts"
import type { AgentSettings } from "../../programs/AgentConfig.ts"
import { invocation } from "../kubelet/invocation.ts"
import { agentSettings } from "./agentSettings.ts"
import type { NodePlan } from "./node.ts"

export interface NodeWish {
  readonly nodeName: string
  /** Default `/var/lib/kubelet`. */
  readonly rootDirectory?: string
  /** Addresses of the node; default: those of the machine. */
  readonly nodeIps?: ReadonlyArray<string>
  /** Fields of KubeletConfiguration, in the form of the file. */
  readonly configuration?: Readonly<Record<string, unknown>>
  /** Settings that differ from what the configuration makes. */
  readonly settings?: Partial<AgentSettings>
}

export const planNode = (
  wish: NodeWish
): Result.Result<NodePlan & { readonly effective: EffectiveConfig }, KubeletConfigError> =>
  Result.gen(function*() {
    const { nodeIps = [], nodeName, rootDirectory = "/var/lib/kubelet" } = wish
    const document = { apiVersion, kind, ...wish.configuration }
    const effective = yield* effectiveConfig({ file: { source: nodeName, document }, dropIns: [], flags: [] })
    const { options } = Result.getOrThrow(invocation({
      "root-dir": [rootDirectory],
      "hostname-override": [nodeName],
      "node-ip": [nodeIps.join(",")],
      // Which API server it is, is the business of the layers.
      kubeconfig: ["-"]
    }))
    const { config } = effective
    const settings = yield* agentSettings(config, options, {
      hostname: nodeName,
      port: config.port,
      cgroupDriver: undefined
    })
    return { effective, config, settings: { ...settings, ...wish.settings } }
  })
