/** A machine that is made up: host and runtime in memory, under the agent that runs on real ones. */
import { Effect, Layer, PubSub } from "effect"
import * as CriSim from "../../layers/cri/CriSim.ts"
import * as CgroupsMemory from "../../layers/host/CgroupsMemory.ts"
import * as HostFilesMemory from "../../layers/host/HostFilesMemory.ts"
import type { KernelLogLine } from "../../layers/host/KernelLog.ts"
import * as KernelLogMemory from "../../layers/host/KernelLogMemory.ts"
import * as MountsMemory from "../../layers/host/MountsMemory.ts"
import * as NodeFactsMemory from "../../layers/host/NodeFactsMemory.ts"
import * as ProcessesMemory from "../../layers/host/ProcessesMemory.ts"

export interface SimulatedMachine {
  readonly hostname: string
  readonly runtime: CriSim.SimRuntime
}

export const simulatedLayers = ({ hostname, runtime }: SimulatedMachine) =>
  Layer.unwrap(Effect.gen(function*() {
    const host = new HostFilesMemory.MemoryHost()
    const kernelLog = yield* PubSub.sliding<KernelLogLine>(64)
    return CriSim.layer(runtime).pipe(
      Layer.provideMerge(Layer.mergeAll(
        HostFilesMemory.layer(host),
        MountsMemory.layer(host),
        CgroupsMemory.layer(),
        ProcessesMemory.layer(),
        KernelLogMemory.layer(kernelLog),
        NodeFactsMemory.layer(() => NodeFactsMemory.machine(hostname))
      ))
    )
  }))
