/**
 * A Kubernetes node inside another Effect program: an API server in memory, the real agent on a simulated machine, and
 * a program that uses both as a cluster. No root, no containers, no network.
 *
 *     sh scripts/node24.sh examples/embed.ts
 */
import { NodeRuntime } from "@effect/platform-node"
import { Console, Effect, Layer, Result, Stream } from "effect"
import {
  CriSim,
  decodePod,
  KubeApi,
  KubeApiMemory,
  MemoryApi,
  planNode,
  Resources,
  runNode,
  simulatedLayers
} from "../src/index.ts"

const nodeName = "embedded"

/** A pod that counts to three and is done. */
const counter = {
  apiVersion: "v1",
  kind: "Pod",
  metadata: { name: "counter", namespace: "default" },
  spec: {
    restartPolicy: "Never",
    containers: [{ name: "main", image: "busybox:1.36", command: ["sh", "-c", "sleep 1; echo three; exit 0"] }]
  }
}

/** Your own program: it knows the API server only. */
const useTheCluster = Effect.gen(function*() {
  const api = yield* KubeApi
  const created = yield* api.create(Resources.pods, counter)
  const version = created.metadata.resourceVersion ?? "0"
  yield* api.watch(Resources.pods, { namespace: "default", resourceVersion: version }).pipe(
    Stream.map(({ object }) => Result.getOrUndefined(decodePod(object))?.status?.phase ?? "Pending"),
    Stream.changes,
    Stream.tap((phase) => Console.log(`counter is ${phase}`)),
    Stream.takeUntil((phase) => phase === "Succeeded"),
    Stream.runDrain
  )
})

export const embedded = Effect.gen(function*() {
  const server = yield* MemoryApi.make()
  const runtime = CriSim.make({ node: nodeName })
  const plan = yield* Effect.fromResult(planNode({ nodeName, configuration: { maxPods: 20 } }))
  const api = KubeApiMemory.layer(server)
  // The node runs for ever; the program ends, and the node with it.
  const node = runNode(plan, Layer.empty).pipe(
    Effect.provide([simulatedLayers({ hostname: nodeName, runtime }), api])
  )
  yield* Effect.raceFirst(node, Effect.provide(useTheCluster, api))
}).pipe(Effect.scoped)

if (import.meta.main) NodeRuntime.runMain(embedded)
