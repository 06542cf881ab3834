/**
 * The agent makes the networks of pods: the runtime's configuration leads to a shim plugin, which leads here. And, for the
 * other mode, what takes that back.
 */
import { Deferred, Effect, Layer, Result, Schedule, Scope } from "effect"
import { isShimList, shimType } from "../../domain/cni/networkFolder.ts"
import { parseNetwork } from "../../domain/cni/networkList.ts"
import type { CniFolders } from "../../domain/cni/runtimeFolders.ts"
import { shimListName, shimListText } from "../../domain/cni/shimList.ts"
import { shimProgram } from "../../domain/cni/shimProgram.ts"
import { Permanent } from "../../domain/failure.ts"
import type { KubeApi } from "../../layers/api/KubeApi.ts"
import { Cni } from "../../layers/cni/Cni.ts"
import { ShimServer } from "../../layers/cni/ShimServer.ts"
import { Cri } from "../../layers/cri/Cri.ts"
import { HostFileError, HostFiles } from "../../layers/host/HostFiles.ts"
import { NodeFacts } from "../../layers/host/NodeFacts.ts"
import { AgentConfig } from "../AgentConfig.ts"
import type { NodeState } from "../node/NodeState.ts"
import type { PodRegistry } from "../pods/PodRegistry.ts"
import { supervise } from "../supervise.ts"
import { answerShims } from "./answerShims.ts"
import { attachPods } from "./attachPods.ts"
import { askFolders } from "./NetworkProblems.ts"
import { nodeNetwork } from "./plannedNetworks.ts"
import { podCidr } from "./podCidr.ts"
import { PodNetwork } from "./PodNetwork.ts"
import { podRecords } from "./podRecords.ts"
import { returnNetworks } from "./returnNetworks.ts"

/** As long as the runtime waits for a sandbox; and as long as it may wait for a word on its own health. */
const shimWaitMs = 60_000
const shimQuickMs = 5000

const patiently = <A, E, R>(ask: Effect.Effect<A, E, R>): Effect.Effect<A, never, R> =>
  ask.pipe(Effect.retry(Schedule.spaced("2 seconds")), Effect.catch(() => Effect.never))

/** The first folder of plugins and the folder of configurations, of a runtime that tells them. */
const folders = patiently(Effect.flatMap(askFolders(), (told) =>
  told === undefined
    ? Effect.fail("the runtime does not say where its network configuration is")
    : Effect.succeed(told)))

/** The program first: the runtime reads the list at once. */
const install = Effect.fn("installShim")(function*({ binDirs, confDir }: CniFolders, socketPath: string) {
  const files = yield* HostFiles
  const { architecture } = yield* (yield* NodeFacts).read
  const program = shimProgram(architecture, { socketPath, waitMs: shimWaitMs, quickMs: shimQuickMs })
  const path = `${binDirs[0] ?? ""}/${shimType}`
  if (program === undefined) {
    const detail = `there is no shim program for ${architecture}, or the path ${socketPath} is too long`
    return yield* new HostFileError({ op: "install", path, reason: new Permanent(), code: "", detail })
  }
  yield* files.writeFileAtomic(path, program, { mode: 0o755 })
  yield* files.writeFileAtomic(`${confDir}/${shimListName}`, shimListText, { mode: 0o644 })
})

/** Our list leads nowhere when the agent does not serve it. */
const uninstall = Effect.fn("uninstallShim")(function*({ confDir }: CniFolders) {
  const files = yield* HostFiles
  const path = `${confDir}/${shimListName}`
  const text = yield* files.readText(path).pipe(
    Effect.catchReason("HostFileError", "NotFound", () => Effect.succeed(""))
  )
  const list = parseNetwork({ path, text })
  if (Result.isSuccess(list) && isShimList(list.success)) yield* files.removeFile(path)
})

/** What plugins have given to sandboxes that nobody has any more; whatever runs, in either mode, keeps what it has. */
const collect = Effect.fn("collectNetwork")(function*(where: CniFolders, known: ReadonlyArray<string>) {
  const cni = yield* Cni
  const cri = yield* Cri
  const list = yield* nodeNetwork(where)
  const { items } = yield* cri.listPodSandbox({})
  const inUse = [...new Set([...known, ...items.map(({ id }) => id)])]
  yield* cni.gc(list, inUse.map((containerId) => ({ containerId, ifname: "eth0" })))
}, (effect) => Effect.catch(effect, (error) => Effect.logWarning("cannot collect unused networks", error)))

export interface PodNetworkOptions {
  /** For a node without an API server. */
  readonly podCidr: string
}

type Services = AgentConfig | Cni | Cri | HostFiles | KubeApi | NodeFacts | NodeState | PodRegistry

const common = Effect.gen(function*() {
  const { rootDir } = yield* AgentConfig
  const records = yield* podRecords(`${rootDir}/network/pods`)
  const pods = yield* attachPods(records)
  const known = Effect.map(records.all, (all) => all.map(({ containerId }) => containerId))
  return { records, pods, known }
})

const agentRun = (options: PodNetworkOptions) =>
  Effect.gen(function*() {
    const server = yield* ShimServer
    const { known, pods, records } = yield* common
    const where = yield* Deferred.make<CniFolders>()
    const scope = yield* Effect.scope
    const services = yield* Effect.context<Services>()
    const handle = answerShims(pods, where, known)
    // Before anything asks the runtime: its answer may depend on ours.
    yield* server.serve((request) =>
      handle(request).pipe(Effect.provideContext(services), Effect.provideService(Scope.Scope, scope))
    )
    const told = yield* folders
    yield* install(told, server.socketPath)
    yield* Deferred.succeed(where, told)
    yield* collect(told, yield* known)
    return yield* Effect.all([
      supervise("return of networks", returnNetworks(records, pods)),
      supervise("pod addresses", podCidr(options.podCidr))
    ], { concurrency: "unbounded", discard: true }).pipe(Effect.andThen(Effect.never))
  }).pipe(Effect.scoped)

const runtimeRun = (options: PodNetworkOptions) =>
  Effect.gen(function*() {
    const { pods, records } = yield* common
    const withdrawal = Effect.gen(function*() {
      const told = yield* patiently(askFolders())
      if (told !== undefined) yield* uninstall(told)
    })
    return yield* Effect.all([
      Effect.andThen(withdrawal, supervise("return of networks", returnNetworks(records, pods))),
      supervise("pod addresses", podCidr(options.podCidr))
    ], { concurrency: "unbounded", discard: true }).pipe(Effect.andThen(Effect.never))
  }).pipe(Effect.scoped)

/** The agent makes the networks. */
export const layer = (options: PodNetworkOptions): Layer.Layer<PodNetwork, never, Services | ShimServer> =>
  Layer.effect(
    PodNetwork,
    Effect.map(
      Effect.context<Services | ShimServer>(),
      (services) => PodNetwork.of({ mode: "agent", run: Effect.provide(agentRun(options), services) })
    )
  )

/** The runtime makes them; what an agent in the other mode has left is taken back. */
export const layerRuntime = (options: PodNetworkOptions): Layer.Layer<PodNetwork, never, Services> =>
  Layer.effect(
    PodNetwork,
    Effect.map(Effect.context<Services>(), (services) =>
      PodNetwork.of({ mode: "runtime", run: Effect.provide(runtimeRun(options), services) }))
  )
