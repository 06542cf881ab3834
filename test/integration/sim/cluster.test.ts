import { NodeServices } from "@effect/platform-node"
import { assert, it } from "@effect/vitest"
import { Effect, FileSystem, Schedule } from "effect"
import { at, objectsOf } from "../../../src/domain/k8s/json.ts"
import { nodes, pods } from "../../../src/domain/k8s/resources.ts"
import { KubeApi, type KubeObject } from "../../../src/layers/api/KubeApi.ts"
import * as KubeApiMemory from "../../../src/layers/api/KubeApiMemory.ts"
import { serve } from "../../../src/layers/api/memory/ApiServerHttp.ts"
import { kubeconfig } from "../../../src/layers/api/memory/kubeconfig.ts"
import * as MemoryApi from "../../../src/layers/api/memory/MemoryApi.ts"
import { door, makeWatch, startRunner } from "./runners.ts"

const count = 8

const until = (what: string, holds: () => boolean) =>
  Effect.sync(holds).pipe(
    Effect.repeat({ schedule: Schedule.spaced("50 millis"), until: (done) => done }),
    Effect.timeoutOrElse({ duration: "60 seconds", orElse: () => Effect.die(new Error(`not in time: ${what}`)) })
  )

const conditionsOf = (object: KubeObject) => objectsOf(at(object, "status", "conditions"))

/** All that a pod's user would notice of a move. */
const life = (pod: KubeObject) => ({
  name: pod.metadata.name,
  containers: objectsOf(at(pod, "status", "containerStatuses")).map(({ containerID, ready, restartCount }) => ({
    containerID,
    ready,
    restartCount
  })),
  ip: at(pod, "status", "podIP"),
  ready: conditionsOf(pod).find(({ type }) => type === "Ready")
})

it.live(
  "two processes share nodes by SQLite: one freezes, one is killed, and each node has one at a time",
  () =>
    Effect.gen(function*() {
      const fs = yield* FileSystem.FileSystem
      const folder = yield* fs.makeTempDirectoryScoped({ prefix: "kubeffect-cluster-" })
      const api = yield* MemoryApi.make()
      const { url } = yield* serve(api)
      const database = `${folder}/cluster.db`
      const config = `${folder}/config`
      // Every node writes each second: one that is run twice, or too long, is seen.
      yield* fs.writeFileString(config, JSON.stringify({ nodeLeaseDurationSeconds: 4 }))
      const watch = makeWatch(database)
      yield* Effect.addFinalizer(() => Effect.sync(watch.close))
      const start = Effect.fnUntraced(function*(port: number) {
        const own = `${folder}/kubeconfig-${port}`
        const entrance = yield* door(url, (path) => watch.wrote(`:${port}`, path))
        yield* fs.writeFileString(own, kubeconfig({ url: entrance }))
        return yield* startRunner({ kubeconfig: own, database, config, port, nodes: count })
      })
      const readyNodes = () =>
        api.objects(nodes).filter((node) =>
          conditionsOf(node).some(({ status, type }) => type === "Ready" && status === "True")
        ).length
      const lives = () => api.objects(pods).map(life)

      const one = yield* start(45_001)
      yield* until("the first runner has all nodes", () => one.nodes() === count)
      const other = yield* start(45_002)
      yield* until("nodes are shared", () => other.nodes() > 0 && one.nodes() + other.nodes() === count)
      yield* until("all nodes are Ready", () => readyNodes() === count)

      const client = yield* Effect.provide(KubeApi, KubeApiMemory.layer(api))
      yield* Effect.forEach(Array.from({ length: count }, (_, index) => `sim-${index}`), (nodeName) =>
        client.create(pods, {
          metadata: { name: `on-${nodeName}`, namespace: "default" },
          spec: { nodeName, containers: [{ name: "main", image: "registry.example/app:1" }] }
        }))
      yield* until("all pods are Ready", () =>
        lives().every(({ ready }) =>
          ready?.["status"] === "True"
        ))
      const before = lives()

      process.kill(one.pid, "SIGSTOP")
      yield* until("the other has the nodes of the one that is frozen", () => other.nodes() === count)
      process.kill(one.pid, "SIGCONT")
      yield* until("the one is back", () => one.nodes() > 0 && one.nodes() + other.nodes() === count)

      const killedAt = Date.now()
      process.kill(other.pid, "SIGKILL")
      yield* until("the one has the nodes of the one that is gone", () => one.nodes() === count)
      const tookMs = Date.now() - killedAt
      assert.isBelow(tookMs, 15_000, "a takeover of 4 s, and what the engine needs to see it")

      const written = watch.writes()
      yield* until("nodes go on", () => watch.writes() > written)
      assert.strictEqual(readyNodes(), count)
      assert.deepStrictEqual(lives(), before, "no pod noticed")
      assert.deepStrictEqual(watch.trespasses, [])
      assert.sameMembers([...watch.rightful], [":45001", ":45002"])
    }).pipe(Effect.provide(NodeServices.layer)),
  90_000
)
