/**
 * The node agent as a library: the agent itself, the services it is written against, and the layers that implement them.
 * See examples/embed.ts and examples/swap-layer.ts.
 */

// The agent, and a whole node made of it.
export { nodeLayers, type NodePlan, runNode } from "./cli/compose/node.ts"
export { type NodeWish, planNode } from "./cli/compose/nodePlan.ts"
export { programLayers } from "./cli/compose/programLayers.ts"
export { agent } from "./programs/agent.ts"
export { AgentConfig, type AgentSettings } from "./programs/AgentConfig.ts"

// The services it is written against.
export { HeartbeatApi } from "./layers/api/HeartbeatApi.ts"
export { ApiError, KubeApi, type KubeObject } from "./layers/api/KubeApi.ts"
export { Cri, CriError } from "./layers/cri/Cri.ts"
export { RuntimeEvents } from "./layers/cri/RuntimeEvents.ts"
export { Cgroups } from "./layers/host/Cgroups.ts"
export { HostFiles } from "./layers/host/HostFiles.ts"
export { KernelLog } from "./layers/host/KernelLog.ts"
export { Mounts } from "./layers/host/Mounts.ts"
export { NodeFacts } from "./layers/host/NodeFacts.ts"
export { Processes } from "./layers/host/Processes.ts"
export { Prober } from "./layers/probes/Prober.ts"
export { NodeServer } from "./layers/streaming/NodeServer.ts"

// What their errors say a caller may do.
export { NotFound, Permanent, Retryable, Uncertain } from "./domain/failure.ts"

// What implements them. Each has a `layer`.
export { hostLayers } from "./cli/compose/hostLayers.ts"
export { runtimeLayers } from "./cli/compose/runtimeLayers.ts"
export { simulatedLayers } from "./cli/compose/simulatedLayers.ts"
export * as KubeApiLive from "./layers/api/KubeApiLive.ts"
export * as KubeApiMemory from "./layers/api/KubeApiMemory.ts"
export * as ApiServerHttp from "./layers/api/memory/ApiServerHttp.ts"
export * as MemoryApi from "./layers/api/memory/MemoryApi.ts"
export * as CriLive from "./layers/cri/CriLive.ts"
export * as CriSim from "./layers/cri/CriSim.ts"
export * as ProberLive from "./layers/probes/ProberLive.ts"
export * as ProberSim from "./layers/probes/ProberSim.ts"

// The objects it speaks of.
export { decodeNode, decodePod } from "./domain/k8s/decode.ts"
export type { Node } from "./domain/k8s/node.ts"
export type { Pod } from "./domain/k8s/pod.ts"
export * as Resources from "./domain/k8s/resources.ts"
