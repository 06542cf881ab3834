import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { clusterTrustBundles } from "../../../src/domain/k8s/resources.ts"
import type { VolumeProjection } from "../../../src/domain/k8s/volume.ts"
import { podWith } from "../../domain/volumes/pods.ts"
import { eventually, make, root, settled, untilReady } from "./world.ts"

const pem = (body: string) => `-----BEGIN CERTIFICATE-----\n${body}\n-----END CERTIFICATE-----\n`
const file = `${root}/pods/u1/volumes/kubernetes.io~projected/v/ca.pem`

const podOf = (source: NonNullable<VolumeProjection["clusterTrustBundle"]>, uid = "u1") =>
  podWith([{ name: "v", projected: { sources: [{ clusterTrustBundle: source }] } }], {}, { uid })

describe("I8: projected trust bundles", () => {
  it.effect("a missing one blocks the start and is told; its coming and every change are seen at once", () =>
    Effect.gen(function*() {
      const { client, events, host, start } = yield* make
      const agent = yield* start()
      const pod = podOf({ name: "a", path: "ca.pem" })
      yield* agent.volumes.want(pod)
      yield* eventually(() => events.length > 0)
      assert.include(events[0], "clustertrustbundle.certificates.k8s.io \"a\" not found")
      yield* client.create(clusterTrustBundles, { metadata: { name: "a" }, spec: { trustBundle: pem("AA") } })
      yield* untilReady(agent, pod)
      assert.strictEqual(host.readText(file), pem("AA"))
      const spec = { trustBundle: pem("BB") }
      yield* client.patch(clusterTrustBundles, { name: "a" }, { type: "merge", body: { spec } })
      yield* eventually(() => host.readText(file) === pem("BB"))
    }))

  it.effect("those of a signer, by labels, in a file of the pod's user alone; an optional one may be empty", () =>
    Effect.gen(function*() {
      const { client, host, start, watches } = yield* make
      yield* client.create(clusterTrustBundles, {
        metadata: { name: "one", labels: { ring: "1" } },
        spec: { signerName: "x", trustBundle: pem("AA") }
      })
      const agent = yield* start()
      const { metadata, spec } = podOf({
        signerName: "x",
        labelSelector: { matchLabels: { ring: "1" } },
        path: "ca.pem"
      })
      yield* untilReady(agent, { metadata, spec: { ...spec, securityContext: { runAsUser: 7 } } })
      assert.strictEqual(host.readText(file), pem("AA"))
      assert.strictEqual(host.at(file).inode.mode, 0o600)
      assert.strictEqual(host.at(file).inode.uid, 7)
      yield* untilReady(agent, podOf({ name: "none", optional: true, path: "ca.pem" }, "u2"))
      assert.strictEqual(host.readText(file.replace("u1", "u2")), "")
      assert.lengthOf(watches.filter((watch) => watch.startsWith("clustertrustbundles")), 1, "one watch for all pods")
      yield* agent.volumes.release("u1")
      yield* agent.volumes.release("u2")
      yield* settled
    }))
})
