/**
 * The node that the recordings are played on again: the whole agent in this process, over an API server in memory whose
 * every change is seen, and a real containerd whose every call is written down.
 */
import { NodeServices } from "@effect/platform-node"
import { Clock, Context, Effect, FileSystem, Layer } from "effect"
import { spawnSync } from "node:child_process"
import { rmSync } from "node:fs"
import { agentSettings } from "../../../src/cli/compose/agentSettings.ts"
import { hostLayers } from "../../../src/cli/compose/hostLayers.ts"
import { runNode } from "../../../src/cli/compose/node.ts"
import { runtimeLayers } from "../../../src/cli/compose/runtimeLayers.ts"
import { invocation } from "../../../src/cli/kubelet/invocation.ts"
import { apiVersion, kind } from "../../../src/domain/kubeletConfig/file.ts"
import { effectiveConfig } from "../../../src/domain/kubeletConfig/layering.ts"
import { KubeApi, type KubeObject } from "../../../src/layers/api/KubeApi.ts"
import * as KubeApiMemory from "../../../src/layers/api/KubeApiMemory.ts"
import * as MemoryApi from "../../../src/layers/api/memory/MemoryApi.ts"
import type { Cri } from "../../../src/layers/cri/Cri.ts"
import * as ProberLive from "../../../src/layers/probes/ProberLive.ts"
import { TestContainerd } from "../../fixture/containerd/TestContainerd.ts"
import { importImages } from "./images.ts"
import * as RecordedCalls from "./RecordedCalls.ts"

export const nodeName = "n1"
/** What the recorded node's `/etc/resolv.conf` named, here an address that means nothing. */
export const hostDns = "192.0.2.53"

export interface SeenStatus {
  readonly atMs: number
  readonly object: KubeObject
}

export class GoldenNode extends Context.Service<GoldenNode, {
  readonly rootDir: string
  readonly podLogsDir: string
  readonly cgroup: string
  /** Every version of a pod, by its UID, deletion included. */
  readonly versions: (uid: string) => ReadonlyArray<SeenStatus>
  readonly calls: ReadonlyArray<RecordedCalls.MadeCall>
}>()("kubeffect/test/integration/golden/GoldenNode") {}

const plan = Effect.fnUntraced(function*(folder: string, cgroupRoot: string) {
  const { options } = yield* Effect.fromResult(
    invocation({ "root-dir": [`${folder}/kubelet`], "hostname-override": [nodeName], kubeconfig: ["memory"] })
  )
  const fields = {
    enableServer: false,
    podLogsDir: `${folder}/pods`,
    cgroupRoot,
    resolvConf: `${folder}/resolv.conf`,
    failSwapOn: false,
    failCgroupV1: false,
    evictionHard: {}
  }
  const { config } = yield* Effect.fromResult(
    effectiveConfig({ file: { source: "golden", document: { apiVersion, kind, ...fields } }, dropIns: [], flags: [] })
  )
  const settings = yield* Effect.fromResult(
    agentSettings(config, options, { hostname: nodeName, port: config.port, cgroupDriver: "cgroupfs" })
  )
  return { config, settings: { ...settings, containerLogsDir: `${folder}/containers` } }
})

const start = Effect.gen(function*() {
  const fs = yield* FileSystem.FileSystem
  const { cgroup, socket } = yield* TestContainerd
  yield* importImages
  const folder = yield* fs.makeTempDirectoryScoped({ prefix: "kubeffect-golden-" })
  // Of the case with volumes of the host, which are nobody's to remove but ours.
  yield* Effect.addFinalizer(() => Effect.sync(() => rmSync("/var/tmp/golden-a", { recursive: true, force: true })))
  // The agent makes its root directory a mount point, and leaves it so.
  yield* Effect.addFinalizer(() => Effect.sync(() => spawnSync("umount", ["--recursive", `${folder}/kubelet`])))
  yield* fs.writeFileString(`${folder}/resolv.conf`, `nameserver ${hostDns}\n`)
  const api = yield* MemoryApi.make({ binder: false })
  const clock = yield* Clock.Clock
  const seen = new Map<string, Array<SeenStatus>>()
  api.onChange((resource, { object }) => {
    if (resource.plural !== "pods") return
    const uid = object.metadata.uid ?? ""
    seen.set(uid, [...seen.get(uid) ?? [], { atMs: clock.currentTimeMillisUnsafe(), object }])
  })
  const kubeApi = yield* Layer.build(KubeApiMemory.layer(api))
  const runtime = yield* Layer.build(
    Layer.provideMerge(
      RecordedCalls.layer,
      runtimeLayers({ endpoint: socket, imageEndpoint: "", requestTimeoutMs: 120_000 })
    )
  )
  const node = yield* plan(folder, cgroup)
  yield* runNode(node, Layer.empty).pipe(
    Effect.provide([hostLayers(folder), ProberLive.layer]),
    Effect.provide(runtime),
    Effect.provide(kubeApi),
    Effect.forkScoped
  )
  const golden = GoldenNode.of({
    rootDir: node.settings.rootDir,
    podLogsDir: node.settings.podLogsDir,
    cgroup,
    versions: (uid) => seen.get(uid) ?? [],
    calls: Context.get(runtime, RecordedCalls.RecordedCalls).calls
  })
  return Context.make(GoldenNode, golden).pipe(Context.add(KubeApi, Context.get(kubeApi, KubeApi)))
})

export const layer: Layer.Layer<GoldenNode | KubeApi, unknown, TestContainerd | Cri> = Layer.effectContext(start).pipe(
  Layer.provide(NodeServices.layer)
)
