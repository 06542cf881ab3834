/**
 * The node agent: every loop of it, each supervised by itself. It is a program over services only; what it runs on is
 * decided by the layers it is given.
 */
import { Effect } from "effect"
import { HeartbeatApi } from "../layers/api/HeartbeatApi.ts"
import { KubeApi } from "../layers/api/KubeApi.ts"
import { AgentConfig } from "./AgentConfig.ts"
import { containerGc } from "./cleanup/containerGc.ts"
import { imageGcLoop } from "./cleanup/imageGcLoop.ts"
import { logRotationLoop } from "./cleanup/logRotation.ts"
import { orphanPods } from "./cleanup/orphanPods.ts"
import { csiPlugins } from "./csi/csiPlugins.ts"
import { Devices } from "./devices/Devices.ts"
import { podResourcesLoop } from "./devices/podResourcesLoop.ts"
import { PodNetwork } from "./network/PodNetwork.ts"
import { enforcePods, enforceReservations } from "./node/nodeAllocatable.ts"
import { nodeLease } from "./node/nodeLease.ts"
import { nodeStatusLoop } from "./node/nodeStatusLoop.ts"
import { ownNode } from "./node/ownNode.ts"
import { systemOom } from "./node/systemOom.ts"
import { apiPods } from "./pods/apiPods.ts"
import { PodRegistry } from "./pods/PodRegistry.ts"
import { podWorkers } from "./pods/podWorkers.ts"
import { qosCgroups } from "./pods/qosCgroups.ts"
import { RuntimeView } from "./runtime/RuntimeView.ts"
import { mirrorPods } from "./staticPods/mirrorPods.ts"
import { staticFiles } from "./staticPods/staticFiles.ts"
import { staticUrl } from "./staticPods/staticUrl.ts"
import { supervise, superviseToEnd } from "./supervise.ts"
import { orphanFolders } from "./volumes/orphanFolders.ts"

/** What the API server is told about the node itself, over connections of its own (parity A5). */
const heartbeats = Effect.gen(function*() {
  const api = yield* HeartbeatApi
  yield* Effect.all([
    Effect.provideService(nodeStatusLoop, KubeApi, api),
    supervise("node lease", Effect.provideService(nodeLease, KubeApi, api))
  ], { concurrency: "unbounded", discard: true })
})

/** The loops of a node that has an API server. */
const connected = Effect.all([heartbeats, ownNode, apiPods, mirrorPods], { concurrency: "unbounded", discard: true })

/** Runs the node for ever; interruption ends the agent and leaves its pods running. */
export const agent = Effect.gen(function*() {
  yield* enforceReservations
  const config = yield* AgentConfig
  const view = yield* RuntimeView
  const devices = yield* Devices
  const network = yield* PodNetwork
  const registry = yield* PodRegistry
  // A source that this node does not have has nothing to tell: nobody must wait for it (parity C3).
  const files = config.staticPodPath === undefined ? registry.replace("file", []) : staticFiles(config.staticPodPath)
  const url = config.staticPodUrl === undefined ? registry.replace("http", []) : staticUrl(config.staticPodUrl)
  const local = Effect.gen(function*() {
    // Workers decide on what the runtime has: it must have been asked once, so that nothing that runs is started again.
    yield* superviseToEnd("first listing of the runtime", view.relist)
    yield* Effect.all([podWorkers, orphanPods, orphanFolders, qosCgroups, containerGc, imageGcLoop, logRotationLoop], {
      concurrency: "unbounded",
      discard: true
    })
  })
  // The runtime may ask the agent for the network of a sandbox before any listing of it has come to an end.
  const networking = supervise("pod network", network.run)
  return yield* Effect.all([
    networking,
    local,
    systemOom,
    enforcePods,
    csiPlugins,
    devices.run,
    podResourcesLoop,
    files,
    url,
    config.standalone ? Effect.never : connected
  ], {
    concurrency: "unbounded",
    discard: true
  })
}).pipe(Effect.andThen(Effect.never))
