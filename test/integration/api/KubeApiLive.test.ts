/** The live client against a real API server; only where `KUBEBUILDER_ASSETS` names a folder with etcd and kube-apiserver. */
import { assert, it } from "@effect/vitest"
import { Effect, Layer } from "effect"
import { KubeApi } from "../../../src/layers/api/KubeApi.ts"
import * as KubeApiLive from "../../../src/layers/api/KubeApiLive.ts"
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
}
