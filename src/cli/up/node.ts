/** The node of `kubeffect up`: the whole agent with its server, on the runtime that was chosen. */
import { Effect, Layer, Option } from "effect"
import type { KubeletConfiguration } from "../../domain/kubeletConfig/defaults.ts"
import * as KubeApiMemory from "../../layers/api/KubeApiMemory.ts"
import type { MemoryApi } from "../../layers/api/memory/MemoryApi.ts"
import * as CriSim from "../../layers/cri/CriSim.ts"
import * as CriStreams from "../../layers/cri/CriStreams.ts"
import { HostFiles } from "../../layers/host/HostFiles.ts"
import * as ProberLive from "../../layers/probes/ProberLive.ts"
import * as ServingCertificateLive from "../../layers/streaming/ServingCertificateLive.ts"
import { hostLayers } from "../compose/hostLayers.ts"
import { runNode } from "../compose/node.ts"
import { planNode } from "../compose/nodePlan.ts"
import { runtimeLayers } from "../compose/runtimeLayers.ts"
import { accessLayer, serverLayer } from "../compose/serverLayers.ts"
import { simulatedLayers } from "../compose/simulatedLayers.ts"
import { runtimeCgroupDriver } from "../compose/surroundings.ts"
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
const configuration = ({ place }: UpNode, root: string) => ({
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
})

/** Runs for ever. */
export const upNode = Effect.fn("upNode")(function*(up: UpNode) {
  const root = up.runtime._tag === "Real" ? `${up.place.directory}/node` : "/var/lib/kubelet"
  const clientCa = `${root}/pki/ca.crt`
  const plan = yield* Effect.fromResult(planNode({
    nodeName,
    rootDirectory: root,
    nodeIps: ["127.0.0.1"],
    configuration: configuration(up, root),
    settings: { containerLogsDir: `${root}/containers` }
  }))
  const server = serverLayer(plan.effective, root).pipe(Layer.provide([
    accessLayer(plan.effective, false),
    ServingCertificateLive.layer({
      from: { _tag: "SelfSigned", folder: `${root}/pki`, hosts: [nodeName, "127.0.0.1"] },
      clientCa: Option.some(clientCa)
    })
  ]))
  return yield* Effect.gen(function*() {
    const files = yield* HostFiles
    yield* files.makeDirectory(`${root}/pki`, { recursive: true, mode: 0o750 })
    yield* files.writeFile(clientCa, up.certificateAuthority)
    const cgroupDriver = (yield* runtimeCgroupDriver()) ?? plan.settings.cgroupDriver
    return yield* runNode({ ...plan, settings: { ...plan.settings, cgroupDriver } }, server)
  }).pipe(Effect.provide([machine(up, plan.config), KubeApiMemory.layer(up.api)]))
})

const simulatedMachine = () => {
  const simulated = CriSim.make({ node: nodeName })
  return CriStreams.layer(CriSim.outputOf(simulated)).pipe(
    Layer.provideMerge(simulatedLayers({ hostname: nodeName, runtime: simulated }))
  )
}

const machine = ({ place, runtime }: UpNode, { runtimeRequestTimeout }: KubeletConfiguration) =>
  runtime._tag === "Simulated"
    // The runtime in memory has no streams; what stands before it does, so that `kubectl exec` works here as well.
    ? simulatedMachine()
    : Layer.mergeAll(
      hostLayers(place.directory),
      runtimeLayers({ endpoint: runtime.endpoint, imageEndpoint: "", requestTimeoutMs: runtimeRequestTimeout }),
      ProberLive.layer
    )
