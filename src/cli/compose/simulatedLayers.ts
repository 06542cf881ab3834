/** A machine that is made up: host, runtime and network in memory, under the agent that runs on real ones. */
import { Clock, Effect, Layer, PubSub } from "effect"
import * as PodKeysSim from "../../layers/certificates/PodKeysSim.ts"
import * as CredentialPluginsSim from "../../layers/credentials/CredentialPluginsSim.ts"
import * as CriSim from "../../layers/cri/CriSim.ts"
import { readUsage } from "../../layers/cri/sim/usage.ts"
import * as CsiSim from "../../layers/csi/CsiSim.ts"
import * as PluginRegistrationSim from "../../layers/csi/PluginRegistrationSim.ts"
import * as DevicePluginsSim from "../../layers/devices/DevicePluginsSim.ts"
import * as PodResourcesSocketSim from "../../layers/devices/PodResourcesSocketSim.ts"
import * as CgroupsMemory from "../../layers/host/CgroupsMemory.ts"
import * as CompressionMemory from "../../layers/host/CompressionMemory.ts"
import * as HostFilesMemory from "../../layers/host/HostFilesMemory.ts"
import type { KernelLogLine } from "../../layers/host/KernelLog.ts"
import * as KernelLogMemory from "../../layers/host/KernelLogMemory.ts"
import * as MountsMemory from "../../layers/host/MountsMemory.ts"
import type { NodeReading } from "../../layers/host/NodeFacts.ts"
import * as NodeFactsMemory from "../../layers/host/NodeFactsMemory.ts"
import * as ProcessesMemory from "../../layers/host/ProcessesMemory.ts"
import * as ManifestUrlSim from "../../layers/manifests/ManifestUrlSim.ts"
import * as ProberSim from "../../layers/probes/ProberSim.ts"
import { simulatedUsage } from "./simulatedUsage.ts"

export interface SimulatedMachine {
  readonly hostname: string
  readonly runtime: CriSim.SimRuntime
  /** What the machine has other than those that nobody described. */
  readonly facts?: Partial<NodeReading>
  /** Handles of the machine's parts, for who wants to look at them or break them. */
  readonly host?: HostFilesMemory.MemoryHost
  readonly cgroups?: CgroupsMemory.MemoryCgroups
  readonly credentialPlugins?: ReadonlyArray<CredentialPluginsSim.SimPlugin>
  /** What web servers have for its static pods. */
  readonly manifests?: ManifestUrlSim.SimPages
}

export const simulatedLayers = (
  { cgroups, credentialPlugins, facts, host: given, hostname, manifests, runtime }: SimulatedMachine
) =>
  Layer.unwrap(Effect.gen(function*() {
    const host = given ?? new HostFilesMemory.MemoryHost()
    host.makeDirectories("/etc")
    // Where the simulated runtime says that its images are.
    host.makeDirectories("/var/lib/containerd/io.containerd.snapshotter.v1.overlayfs")
    host.write("/etc/resolv.conf", "nameserver 10.0.0.1\n")
    const reading = NodeFactsMemory.machine(hostname, facts)
    const kernelLog = yield* PubSub.sliding<KernelLogLine>(64)
    return Layer.mergeAll(
      CriSim.layer(runtime),
      ProberSim.layer(runtime),
      CompressionMemory.layer,
      CredentialPluginsSim.layer(credentialPlugins),
      CsiSim.layer(new Map()),
      DevicePluginsSim.layer,
      PodResourcesSocketSim.layer,
      ManifestUrlSim.layer(manifests),
      PluginRegistrationSim.layer(new Map()),
      PodKeysSim.layer
    ).pipe(
      Layer.provideMerge(Layer.mergeAll(
        HostFilesMemory.layer(host),
        MountsMemory.layer(host),
        CgroupsMemory.layer(cgroups, simulatedUsage(readUsage(runtime), yield* Clock.currentTimeMillis)),
        ProcessesMemory.layer(),
        KernelLogMemory.layer(kernelLog),
        NodeFactsMemory.layer(() => reading)
      ))
    )
  }))
