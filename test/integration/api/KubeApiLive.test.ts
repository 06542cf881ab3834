/** The live client against a real API server; only where `KUBEBUILDER_ASSETS` names a folder with etcd and kube-apiserver. */
import { assert, it } from "@effect/vitest"
import { Context, Effect, Layer, Queue, Stream } from "effect"
import * as Resources from "../../../src/domain/k8s/resources.ts"
import { KubeApi } from "../../../src/layers/api/KubeApi.ts"
import * as KubeApiLive from "../../../src/layers/api/KubeApiLive.ts"
import { reflect } from "../../../src/programs/api/reflector.ts"
import { kubeApiContract } from "../../contract/KubeApiContract.ts"
import * as ApiServer from "./apiServer.ts"

it.live("a folder without a server is an error that names the missing program", () =>
  Effect.gen(function*() {
    const error = yield* Effect.flip(ApiServer.start("/no/such/folder"))
    assert.include(error.message, "/no/such/folder/etcd")
  }))

const assets = process.env["KUBEBUILDER_ASSETS"]
if (assets !== undefined) {
  // Short watches, because a server of 1.20 sends its bookmark just before a watch ends; small pages, to need several.
  const live = Layer.unwrap(Effect.map(
    ApiServer.start(assets),
    ({ admin }) => KubeApiLive.layer(admin, { qps: 0, pageSize: 2, watchSeconds: [8, 9] })
  ))
  const compacted = Effect.gen(function*() {
    const { body } = yield* (yield* KubeApi).request({
      method: "GET",
      path: "/api/v1/configmaps?watch=true&resourceVersion=1&timeoutSeconds=1"
    })
    return new TextDecoder().decode(body).includes("Expired")
  })
  kubeApiContract("live", live, {
    expiredVersion: compacted.pipe(Effect.repeat({ until: (done) => done }), Effect.as("1"))
  })

  it.live(
    "Q4: a node follows its own pods by its certificate, and is refused what is not its own",
    () =>
      Effect.gen(function*() {
        const server = yield* ApiServer.start(assets)
        const admin = yield* Layer.build(KubeApiLive.layer(server.admin))
        const asAdmin = Context.get(admin, KubeApi)
        yield* asAdmin.create(Resources.nodes, { metadata: { name: "n1" } })
        const pod = (name: string, nodeName: string) =>
          asAdmin.create(Resources.pods, {
            metadata: { namespace: "default", name },
            spec: { nodeName, containers: [{ name: "main", image: "busybox" }] }
          })
        yield* pod("before", "n1")
        yield* Effect.gen(function*() {
          const refused = yield* Effect.flip((yield* KubeApi).list(Resources.secrets))
          assert.deepInclude({ ...refused, reason: refused.reason._tag }, { reason: "Permanent", status: 403 })
          const changes = yield* Queue.unbounded<string>()
          yield* reflect(Resources.pods, { fieldSelector: "spec.nodeName=n1" }).pipe(
            Stream.runForEach((change) =>
              Queue.offer(
                changes,
                change._tag === "Snapshot"
                  ? `Snapshot ${change.objects.map(({ metadata }) => metadata.name).join()}`
                  : `${change._tag} ${change.object.metadata.name}`
              )
            ),
            Effect.forkScoped
          )
          assert.strictEqual(yield* Queue.take(changes), "Snapshot before")
          yield* pod("other", "n2")
          yield* pod("own", "n1")
          assert.strictEqual(yield* Queue.take(changes), "Upsert own")
          const gone = { gracePeriodSeconds: 0 }
          yield* (yield* KubeApi).delete(Resources.pods, { namespace: "default", name: "own" }, gone)
          // A deletion is an update first.
          const last = yield* Effect.repeat(Queue.take(changes), { until: (change) => change !== "Upsert own" })
          assert.strictEqual(last, "Remove own")
        }).pipe(Effect.provide(KubeApiLive.layer(yield* server.node("n1")), { local: true }))
      }),
    120_000
  )
}
