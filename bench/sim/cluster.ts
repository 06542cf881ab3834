/**
 * Two processes that share nodes, one of which is killed: `bench/sim/cluster.ts <nodes>`. Says as one line of JSON for how
 * long the nodes that it had were silent, which must not be as long as a lease, or the cluster takes their pods away.
 */
import { NodeRuntime, NodeServices } from "@effect/platform-node"
import { Clock, Console, Effect, FileSystem, Ref, Schedule, Stream } from "effect"
import { ChildProcess } from "effect/process"
import { join } from "node:path"
import { at, objectsOf } from "../../src/domain/k8s/json.ts"
import * as resources from "../../src/domain/k8s/resources.ts"
import { KubeApi } from "../../src/layers/api/KubeApi.ts"
import * as KubeApiMemory from "../../src/layers/api/KubeApiMemory.ts"
import { serve } from "../../src/layers/api/memory/ApiServerHttp.ts"
import { kubeconfig } from "../../src/layers/api/memory/kubeconfig.ts"
import * as MemoryApi from "../../src/layers/api/memory/MemoryApi.ts"
import { percentile } from "../measure.ts"

const [count = 2000] = process.argv.slice(2).map(Number)
/** How long nodes may be silent: `nodeLeaseDurationSeconds`, and what the node controller waits. */
const leaseSeconds = 40
const ports = [34_431, 34_432] as const

const command = join(import.meta.dirname, "../../bin/kubeffect")

/** A process of `kubeffect sim` and how many nodes it said last that it runs. */
const startRunner = Effect.fnUntraced(function*(port: number, config: string, database: string) {
  const nodes = yield* Ref.make(0)
  const child = yield* ChildProcess.make(command, [
    "sim",
    `--kubeconfig=${config}`,
    `--cluster=sqlite:${database}`,
    `--nodes=${count}`,
    `--runner-port=${port}`
  ], { forceKillAfter: "3 seconds", stderr: "inherit" })
  yield* Effect.forkScoped(
    child.stdout.pipe(
      Stream.decodeText,
      Stream.splitLines,
      Stream.runForEach((line) => {
        const said = /: (\d+) of \d+ nodes run here/.exec(line)?.[1]
        return said === undefined ? Effect.void : Ref.set(nodes, Number(said))
      })
    )
  )
  const ended = Effect.flatMap(child.exitCode, (code) => Effect.die(new Error(`a runner ended with ${code}`)))
  return { nodes: Ref.get(nodes), pid: Number(child.pid), ended }
})

const until = (what: string, holds: Effect.Effect<boolean>) =>
  holds.pipe(
    Effect.repeat({ schedule: Schedule.spaced("200 millis"), until: (done) => done }),
    Effect.timeoutOrElse({ duration: "10 minutes", orElse: () => Effect.die(new Error(`not in time: ${what}`)) })
  )

const seconds = (ms: number) => Math.round(ms / 100) / 10

const bench = Effect.gen(function*() {
  const files = yield* FileSystem.FileSystem
  const folder = yield* files.makeTempDirectoryScoped({ prefix: "kubeffect-cluster-" })
  const api = yield* MemoryApi.make()
  const { url } = yield* serve(api)
  const config = join(folder, "kubeconfig")
  yield* files.writeFileString(config, kubeconfig({ url }))
  const client = yield* Effect.provide(KubeApi, KubeApiMemory.layer(api))

  /** When each node was heard last, and how long it had been silent at most since `sinceMs`. */
  const heard = new Map<string, number>()
  const silences = new Map<string, number>()
  let sinceMs = Number.POSITIVE_INFINITY
  const { resourceVersion } = yield* client.list(resources.leases)
  yield* client.watch(resources.leases, { resourceVersion }).pipe(
    // Bookmarks are no sign of a node's life.
    Stream.filter(({ type }) => type !== "BOOKMARK"),
    Stream.runForEach(({ object }) =>
      Effect.map(Clock.currentTimeMillis, (nowMs) => {
        const name = object.metadata.name ?? ""
        if (nowMs >= sinceMs) silences.set(name, Math.max(silences.get(name) ?? 0, nowMs - (heard.get(name) ?? nowMs)))
        heard.set(name, nowMs)
      })
    ),
    Effect.forkScoped
  )
  const ready = Effect.sync(() =>
    api.objects(resources.nodes).filter((node) =>
      objectsOf(at(node, "status", "conditions")).some(({ status, type }) => type === "Ready" && status === "True")
    ).length === count
  )

  const begunMs = yield* Clock.currentTimeMillis
  const database = join(folder, "cluster.db")
  const one = yield* startRunner(ports[0], config, database)
  const other = yield* startRunner(ports[1], config, database)
  const shared = Effect.all([one.nodes, other.nodes]).pipe(
    Effect.map(([here, there]) => here > 0 && there > 0 && here + there === count)
  )
  yield* until("nodes are shared and Ready", Effect.map(Effect.all([shared, ready]), (all) => all.every((is) => is)))
    .pipe(Effect.raceFirst(one.ended), Effect.raceFirst(other.ended))
  const readyMs = (yield* Clock.currentTimeMillis) - begunMs
  // Leases come every ten seconds; what the start still has to do is over then.
  yield* Effect.sleep("20 seconds")

  const lost = yield* other.nodes
  const killedMs = yield* Clock.currentTimeMillis
  sinceMs = killedMs
  process.kill(other.pid, "SIGKILL")
  yield* until("the one has the nodes of the other", Effect.map(one.nodes, (nodes) => nodes === count)).pipe(
    Effect.raceFirst(one.ended)
  )
  const takenMs = (yield* Clock.currentTimeMillis) - killedMs
  yield* until("every node is heard again", Effect.sync(() => silences.size === count))
  const all = [...silences.values()]
  yield* Console.log(JSON.stringify({
    nodes: count,
    readySeconds: seconds(readyMs),
    lost,
    takenSeconds: seconds(takenMs),
    silentSecondsP50: seconds(percentile(all.toSorted((a, b) => b - a).slice(0, lost), 0.5)),
    silentSecondsMost: seconds(Math.max(...all)),
    longerThanALease: all.filter((ms) => ms > leaseSeconds * 1000).length,
    ready: yield* ready
  }))
}).pipe(Effect.scoped, Effect.provide(NodeServices.layer))

NodeRuntime.runMain(bench)
