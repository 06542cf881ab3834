/**
 * One subsystem replaced: the agent runs a pod over a runtime whose first start of a container fails. The agent knows
 * nothing of it. It does what it does on any node where that happens: says what went wrong, backs off, tries again.
 *
 *     sh scripts/node24.sh examples/swap-layer.ts
 */
import { NodeRuntime } from "@effect/platform-node"
import { Console, Effect, Layer, Result, Stream } from "effect"
import {
  Cri,
  CriError,
  CriSim,
  decodePod,
  KubeApi,
  KubeApiMemory,
  MemoryApi,
  planNode,
  Resources,
  Retryable,
  runNode,
  simulatedLayers
} from "../src/index.ts"

const nodeName = "unlucky"

/** A `Cri` over a `Cri`: all calls as they are, but for the first `startContainer`. */
const firstStartFails = Layer.effect(
  Cri,
  Effect.map(Cri, (inner) => {
    let failed = false
    return Cri.of({
      ...inner,
      startContainer: (request, options) =>
        Effect.suspend(() => {
          if (failed) return inner.startContainer(request, options)
          failed = true
          return Effect.fail(
            new CriError({
              op: "StartContainer",
              target: request.containerId ?? "",
              reason: new Retryable(),
              code: 14,
              detail: "the runtime has a bad day",
              cause: undefined
            })
          )
        })
    })
  })
)

const pod = {
  apiVersion: "v1",
  kind: "Pod",
  metadata: { name: "patient", namespace: "default" },
  spec: { containers: [{ name: "main", image: "busybox:1.36", command: ["sleep", "infinity"] }] }
}

/** What a user sees, from the creation of the pod until it is ready. */
const watchThePod = Effect.gen(function*() {
  const api = yield* KubeApi
  const created = yield* api.create(Resources.pods, pod)
  const resourceVersion = created.metadata.resourceVersion ?? "0"
  yield* api.watch(Resources.pods, { namespace: "default", resourceVersion }).pipe(
    Stream.map(({ object }) => Result.getOrUndefined(decodePod(object))?.status?.containerStatuses?.[0]),
    Stream.map((status) => {
      const waiting = status?.state?.waiting
      if (waiting !== undefined) return `${waiting.reason}: ${waiting.message ?? ""}`
      return status?.ready === true ? "ready" : "not ready yet"
    }),
    Stream.changes,
    Stream.tap((line) => Console.log(line)),
    Stream.takeUntil((line) => line === "ready"),
    Stream.runDrain
  )
})

export const swapped = Effect.gen(function*() {
  const server = yield* MemoryApi.make()
  const runtime = CriSim.make({ node: nodeName })
  const plan = yield* Effect.fromResult(planNode({ nodeName }))
  const api = KubeApiMemory.layer(server)
  // The replacement is made of what lies below it, and hides it.
  const machine = firstStartFails.pipe(Layer.provideMerge(simulatedLayers({ hostname: nodeName, runtime })))
  const node = runNode(plan, Layer.empty).pipe(Effect.provide([machine, api]))
  yield* Effect.raceFirst(node, Effect.provide(watchThePod, api))
}).pipe(Effect.scoped)

if (import.meta.main) NodeRuntime.runMain(swapped)
