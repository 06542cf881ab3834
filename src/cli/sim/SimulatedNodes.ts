/**
 * Simulated nodes on the real clock: each is the whole agent, unchanged, over a machine that is made up, with a server
 * of its own for logs, shells, ports and metrics. The nodes of one process share what does not tell them apart.
 */
import { Cause, Clock, Effect, Layer, type Option, Schedule, Stream } from "effect"
import { randomBytes } from "node:crypto"
import { dirname } from "node:path"
import { decodePod } from "../../domain/k8s/decode.ts"
import { pods } from "../../domain/k8s/resources.ts"
import type { EffectiveConfig } from "../../domain/kubeletConfig/layering.ts"
import type { HeartbeatApi } from "../../layers/api/HeartbeatApi.ts"
import { KubeApi } from "../../layers/api/KubeApi.ts"
import * as CriSim from "../../layers/cri/CriSim.ts"
import * as CriStreams from "../../layers/cri/CriStreams.ts"
import * as StreamServer from "../../layers/cri/streaming/StreamServer.ts"
import * as HostFilesMemory from "../../layers/host/HostFilesMemory.ts"
import * as KeyPairSelfSigned from "../../layers/streaming/KeyPairSelfSigned.ts"
import { ServingCertificate } from "../../layers/streaming/ServingCertificate.ts"
import { ServingKeyPair } from "../../layers/streaming/ServingKeyPair.ts"
import { agent } from "../../programs/agent.ts"
import { freePort } from "../compose/freePort.ts"
import { nodeLayers, type NodePlan } from "../compose/node.ts"
import { planNode } from "../compose/nodePlan.ts"
import { accessLayer, serverLayer } from "../compose/serverLayers.ts"
import { simulatedLayers } from "../compose/simulatedLayers.ts"
import type { SimPlan } from "./plan.ts"

/** What the nodes of a process have in common. */
export interface Premises {
  readonly streams: StreamServer.StreamServer
  readonly certificate: ServingCertificate["Service"]
  /** The configuration of a node without a name and a port. */
  readonly blank: Blank
}

interface Blank extends NodePlan {
  readonly effective: EffectiveConfig
}

/** `clientCa`: PEM of the authority whose certificates clients of the nodes' servers may show. */
export const makePremises = Effect.fn("SimulatedNodes.makePremises")(
  function*({ address, configuration, labels }: SimPlan, clientCa: Option.Option<string>) {
    const pair = yield* Effect.flatMap(ServingKeyPair, ({ current }) => current).pipe(
      Effect.provide(KeyPairSelfSigned.layer({
        directory: "/pki",
        hostname: "kubeffect-sim",
        addresses: [address, "127.0.0.1"]
      })),
      Effect.provide(HostFilesMemory.layer(new HostFilesMemory.MemoryHost()))
    )
    const premises: Premises = {
      blank: yield* Effect.fromResult(planNode({
        nodeName: "blank",
        nodeIps: [address],
        configuration: { ...habits, address, ...configuration },
        settings: { nodeLabels: labels }
      })),
      streams: yield* StreamServer.make,
      certificate: ServingCertificate.of({ current: Effect.succeed({ pair, clientCa }), changes: Stream.never })
    }
    return premises
  }
)

/** What no made-up machine has, and what would only cost time on it. */
const habits = {
  failCgroupV1: false,
  failSwapOn: false,
  evictionHard: {},
  enforceNodeAllocatable: ["none"],
  healthzPort: 0,
  clusterDomain: "cluster.local",
  clusterDNS: ["10.96.0.10"],
  // Pages for people who look at one process.
  featureGates: { ComponentStatusz: false }
}

const restartMs = 5000

/** Reading a configuration takes longer than all else that a node begins with. */
const named = ({ effective, networkMode, settings }: Blank, nodeName: string, port: number): Blank => {
  const config = { ...effective.config, port }
  return {
    effective: { ...effective, config },
    config,
    settings: { ...settings, nodeName, hostname: nodeName, port },
    ...(networkMode === undefined ? {} : { networkMode })
  }
}

/** Runs one node until it is interrupted; its pods stay as they are. */
const simulatedNode = Effect.fn("SimulatedNodes.run")(
  function*(premises: Premises, plan: SimPlan, index: number) {
    const { address, facts, names, portBase } = plan
    const nodeName = names[index] ?? ""
    const port = portBase === 0 ? yield* freePort(address, index) : portBase + index
    const made = named(premises.blank, nodeName, port)
    const runtime = CriSim.make({
      // Ids of containers outlive a process, at the API server: those of its next one have to be others.
      node: `${nodeName}/${randomBytes(6).toString("hex")}`,
      podCidrs: [plan.podCidr(index)],
      hostAddresses: [address, "127.0.0.1"]
    })
    yield* takeOver(runtime, nodeName, made.settings.podLogsDir)
    const now = yield* Clock.currentTimeMillis
    const host = new HostFilesMemory.MemoryHost()
    for (const { logPath } of runtime.containers.values()) host.makeDirectories(dirname(logPath))
    const machine = CriStreams.layerOn(premises.streams, CriSim.outputOf(runtime)).pipe(
      Layer.provideMerge(simulatedLayers({ hostname: nodeName, runtime, host, facts: { ...facts, bootTimeMs: now } }))
    )
    const server = serverLayer(made.effective, made.settings.rootDir).pipe(Layer.provide([
      accessLayer(made.effective, false),
      Layer.succeed(ServingCertificate, premises.certificate)
    ]))
    const whole = server.pipe(Layer.provideMerge(nodeLayers(made)), Layer.provideMerge(machine))
    // Layers are made once for all who name them; each node needs its own.
    return yield* agent.pipe(Effect.provide(Layer.fresh(whole)), Effect.scoped)
  }
)

/** One node for ever: what ends is begun again after `restartMs`, as systemd does; `tell` hears why. */
export const supervisedNode = (
  premises: Premises,
  plan: SimPlan,
  index: number,
  tell: (name: string, why: string) => Effect.Effect<void>
): Effect.Effect<never, never, KubeApi | HeartbeatApi> => {
  const name = plan.names[index] ?? ""
  return simulatedNode(premises, plan, index).pipe(
    Effect.catchCause((cause) =>
      Cause.hasInterruptsOnly(cause) ? Effect.interrupt : tell(name, Cause.prettyErrors(cause)[0]?.message ?? "")
    ),
    Effect.andThen(Effect.sleep(restartMs)),
    Effect.forever,
    Effect.annotateLogs({ node: name })
  )
}

/** Puts into the runtime what the API server says the node runs. */
const takeOver = Effect.fnUntraced(function*(runtime: CriSim.SimRuntime, nodeName: string, podLogsDir: string) {
  const api = yield* KubeApi
  const { items } = yield* Effect.retry(
    api.list(pods, { fieldSelector: `spec.nodeName=${nodeName}` }),
    // A node without its pods would end and begin them all: it is not one before it knows them.
    Schedule.spaced("2 seconds")
  )
  const now = yield* Clock.currentTimeMillis
  for (const item of items) {
    const pod = decodePod(item)
    if (pod._tag === "Success") CriSim.adopt(runtime, pod.success, { now, podLogsDir })
  }
})
