/** CSI drivers as plugins of the node: which are taken, and what is done with them (parity J1, J2). */
import { Effect } from "effect"
import { csiPluginProblem } from "../../domain/csi/registration.ts"
import { supervise, superviseToEnd } from "../supervise.ts"
import { CsiDrivers } from "./CsiDrivers.ts"
import { CsiNode } from "./CsiNode.ts"
import { type PluginHandler, pluginWatcher } from "./pluginWatcher.ts"
import { sweepStages } from "./sweepStages.ts"

const csiHandler: PluginHandler<CsiDrivers> = {
  problem: ({ name, versions }) => csiPluginProblem(name, versions),
  register: (info, endpoint) => Effect.flatMap(CsiDrivers, (drivers) => drivers.register(info.name, endpoint)),
  deregister: (info, endpoint) => Effect.flatMap(CsiDrivers, (drivers) => drivers.deregister(info.name, endpoint))
}

/** Runs for ever. */
export const csiPlugins = Effect.gen(function*() {
  const csiNode = yield* CsiNode
  // Schedulers take a node without this object for one whose drivers are unlimited.
  const announce = Effect.andThen(superviseToEnd("CSINode", csiNode.ensure), Effect.never)
  yield* Effect.all([
    announce,
    pluginWatcher(new Map([["CSIPlugin", csiHandler]])),
    supervise("unused stages", sweepStages)
  ], {
    concurrency: "unbounded",
    discard: true
  })
  return yield* Effect.never
})
