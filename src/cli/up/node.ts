/** The node of `kubeffect up`: the whole agent with its server, on the runtime that was chosen. */
import { Effect, Layer, Option } from "effect"
import { apiVersion, kind } from "../../domain/kubeletConfig/file.ts"
import { effectiveConfig } from "../../domain/kubeletConfig/layering.ts"
import * as KubeApiMemory from "../../layers/api/KubeApiMemory.ts"
import type { MemoryApi } from "../../layers/api/memory/MemoryApi.ts"
import * as CriSim from "../../layers/cri/CriSim.ts"
import { HostFiles } from "../../layers/host/HostFiles.ts"
import * as ProberLive from "../../layers/probes/ProberLive.ts"
import * as ServingCertificateLive from "../../layers/streaming/ServingCertificateLive.ts"
import { agentSettings } from "../compose/agentSettings.ts"
import { hostLayers } from "../compose/hostLayers.ts"
import { runNode } from "../compose/node.ts"
import { runtimeLayers } from "../compose/runtimeLayers.ts"
import { accessLayer, serverLayer } from "../compose/serverLayers.ts"
import { simulatedLayers } from "../compose/simulatedLayers.ts"
import { runtimeCgroupDriver } from "../compose/surroundings.ts"
import { invocation } from "../kubelet/invocation.ts"
import type { Place } from "./place.ts"

export const nodeName = "kubeffect"

/** The runtime under the node: the endpoint of a real one, or none for a simulated one. */
export type Runtime = { readonly _tag: "Real"; readonly endpoint: string } | { readonly _tag: "Simulated" }

export interface UpNode {
  readonly place: Place
  readonly runtime: Runtime
  readonly api: MemoryApi
  /** PEM of the API server's own authority: who shows a certificate of it may use the node's server. */
  readonly certificateAuthority: string
}

/** What a node for one person has other than a node of a cluster. */
const configuration = ({ place, runtime }: UpNode) => {
  const root = runtime._tag === "Real" ? `${place.directory}/node` : "/var/lib/kubelet"
  return {
    root,
    clientCa: `${root}/pki/ca.crt`,
    fields: {
      address: "127.0.0.1",
      port: place.nodePort,
      healthzPort: 0,
      authentication: { x509: { clientCAFile: `${root}/pki/ca.crt` } },
      podLogsDir: `${root}/logs`,
      cgroupRoot: place.cgroup,
      clusterDomain: "cluster.local",
      // Someone's own machine is as it is.
      failSwapOn: false,
      failCgroupV1: false,
      evictionHard: {},
      enforceNodeAllocatable: ["none"]
    }
  }
}

/** Runs for ever. */
export const upNode = Effect.fn("upNode")(function*(up: UpNode) {
  const { clientCa, fields, root } = configuration(up)
  const { options } = yield* Effect.fromResult(
    invocation({
      "root-dir": [root],
      "hostname-override": [nodeName],
      "node-ip": ["127.0.0.1"],
      kubeconfig: ["memory"]
    })
  )
  const effective = yield* Effect.fromResult(
    effectiveConfig({ file: { source: "up", document: { apiVersion, kind, ...fields } }, dropIns: [], flags: [] })
  )
  const { config } = effective
  const machine = up.runtime._tag === "Real"
    ? Layer.merge(
      hostLayers(up.place.directory),
      runtimeLayers({
        endpoint: up.runtime.endpoint,
        imageEndpoint: "",
        requestTimeoutMs: config.runtimeRequestTimeout
      })
    )
    : simulatedLayers({ hostname: nodeName, runtime: CriSim.make({ node: nodeName }) })

  return yield* Effect.gen(function*() {
    const files = yield* HostFiles
    yield* files.makeDirectory(`${root}/pki`, { recursive: true, mode: 0o750 })
    yield* files.writeFile(clientCa, up.certificateAuthority)
    const settings = yield* Effect.fromResult(
      agentSettings(config, options, {
        hostname: nodeName,
        port: config.port,
        cgroupDriver: yield* runtimeCgroupDriver()
      })
    )
    const server = serverLayer(effective).pipe(Layer.provide([
      accessLayer(effective, false),
      ServingCertificateLive.layer({
        from: { _tag: "SelfSigned", folder: `${root}/pki`, hosts: [nodeName, "127.0.0.1"] },
        clientCa: Option.some(clientCa)
      })
    ]))
    return yield* runNode({ settings: { ...settings, containerLogsDir: `${root}/containers` }, config }, server)
  }).pipe(Effect.provide(Layer.mergeAll(machine, KubeApiMemory.layer(up.api), ProberLive.layer)))
})
