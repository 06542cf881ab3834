/**
 * What simulated nodes in real time cost: how soon they are Ready, what the process takes while nothing happens, and how
 * soon pods on them run. API server and nodes are one process, `kubeffect sim`, as users start it.
 *
 *     npm run bench:nodes -- [nodes, default 1000] [pods in all, default 1000] [seconds idle, default 30]
 */
import { NodeRuntime, NodeServices } from "@effect/platform-node"
import { Console, Deferred, Effect, FileSystem, Stream } from "effect"
import { spawn } from "node:child_process"
import { join } from "node:path"
import { pods } from "../src/domain/k8s/resources.ts"
import { KubeApi } from "../src/layers/api/KubeApi.ts"
import * as KubeApiLive from "../src/layers/api/KubeApiLive.ts"
import * as Kubeconfig from "../src/layers/api/Kubeconfig.ts"
import { isReady, usageOf } from "./agentProcess.ts"
import { timed } from "./measure.ts"

const [nodeCount = 1000, podCount = 1000, idleSeconds = 30] = process.argv.slice(2).map(Number)

const seconds = (ms: number) => `${(ms / 1000).toFixed(1)} s`

const start = Effect.fnUntraced(function*(kubeconfig: string) {
  const ready = yield* Deferred.make<void>()
  const context = yield* Effect.context<never>()
  const child = yield* Effect.acquireRelease(
    Effect.sync(() =>
      spawn(join(import.meta.dirname, "../bin/kubeffect"), [
        "sim",
        `--nodes=${nodeCount}`,
        `--write-kubeconfig=${kubeconfig}`
      ], { stdio: ["ignore", "pipe", "inherit"] })
    ),
    (process) => Effect.sync(() => process.kill("SIGKILL"))
  )
  child.stdout.on("data", (text: Buffer) => {
    if (text.includes("are Ready")) Effect.runForkWith(context)(Deferred.succeed(ready, undefined))
  })
  yield* Deferred.await(ready)
  return child.pid ?? 0
})

/** All pods at once; the API server spreads them over the nodes. */
const startPods = Effect.gen(function*() {
  const api = yield* KubeApi
  const { resourceVersion } = yield* api.list(pods)
  const missing = new Set(Array.from({ length: podCount }, (_, index) => `pod-${index}`))
  const seen = api.watch(pods, { resourceVersion }).pipe(
    Stream.filter(({ object }) => isReady(object) && missing.delete(object.metadata.name ?? "") && missing.size === 0),
    Stream.runHead
  )
  const create = Effect.forEach(
    [...missing],
    (name) =>
      api.create(pods, {
        metadata: { name, namespace: "default" },
        spec: { containers: [{ name: "main", image: "registry.k8s.io/pause:3.10" }] }
      }),
    { concurrency: 16, discard: true }
  )
  yield* Effect.all([seen, create], { concurrency: "unbounded", discard: true })
})

const bench = Effect.gen(function*() {
  const fs = yield* FileSystem.FileSystem
  const kubeconfig = join(yield* fs.makeTempDirectoryScoped({ prefix: "kubeffect-bench-" }), "kubeconfig")
  const { ms, value: pid } = yield* timed(start(kubeconfig))
  const ready = usageOf(pid)
  yield* Console.log(`${nodeCount} nodes: all Ready after ${seconds(ms)}, ${seconds(ready.cpuMs)} of CPU`)
  const idle = Effect.fnUntraced(function*(what: string) {
    const before = usageOf(pid)
    yield* Effect.sleep(idleSeconds * 1000)
    const after = usageOf(pid)
    const share = (after.cpuMs - before.cpuMs) / (idleSeconds * 10)
    yield* Console.log(`${what}: ${share.toFixed(0)} % of a core, ${after.rssMb.toFixed(0)} MiB resident`)
  })
  yield* idle("idle")
  if (podCount === 0) return
  const access = yield* Kubeconfig.load(kubeconfig)
  const pace = yield* Effect.provide(timed(startPods), KubeApiLive.layer(access, { qps: 0 }))
  yield* Console.log(`${podCount} pods: all Ready after ${seconds(pace.ms)}`)
  yield* idle(`with ${podCount} pods`)
})

NodeRuntime.runMain(bench.pipe(Effect.scoped, Effect.provide(NodeServices.layer)))
