/** Which networks a pod is to have, from its annotations, the node's folder and objects of the API. */
import { assert, describe, it } from "@effect/vitest"
import { Effect, Layer, Result } from "effect"
import { NotFound, Permanent, Retryable } from "../../../src/domain/failure.ts"
import { decodePod } from "../../../src/domain/k8s/decode.ts"
import { ApiError, type ApiFailure, KubeApi } from "../../../src/layers/api/KubeApi.ts"
import * as HostFilesMemory from "../../../src/layers/host/HostFilesMemory.ts"
import { plannedNetworks } from "../../../src/programs/network/plannedNetworks.ts"
import { bridgeNetwork } from "../../fixture/cni/bridgeNetwork.ts"

const folders = { confDir: "/etc/cni/net.d", binDirs: ["/opt/cni/bin"] }

const asked = { containerId: "s", netns: "/ns", ifname: "eth0", args: [], capabilityArgs: { cgroupPath: "/c" } }

/** Objects by `namespace/name`: the text of `spec.config`, or why it cannot be had. */
const cluster = (objects: Readonly<Record<string, string | ApiFailure>>) => {
  const host = new HostFilesMemory.MemoryHost()
  host.makeDirectories(folders.confDir)
  for (const name of ["default", "extra"]) {
    const { path, text } = bridgeNetwork({ name, octet: 1, size: 5 })
    host.write(path, text)
  }
  const api = Layer.mock(KubeApi)({
    get: (resource, { name, namespace }) => {
      const found = objects[`${namespace}/${name}`] ?? new NotFound()
      return typeof found === "string"
        ? Effect.succeed({ metadata: { name }, spec: { config: found } })
        : Effect.fail(
          new ApiError({
            op: `get ${resource.plural}`,
            target: name,
            reason: found,
            status: 0,
            statusReason: "",
            detail: "api trouble"
          })
        )
    }
  })
  return Layer.merge(HostFilesMemory.layer(host), api)
}

const podOf = (annotations: Readonly<Record<string, string>>) =>
  Result.getOrThrow(decodePod({
    metadata: { name: "p", namespace: "n", uid: "u", annotations },
    spec: { containers: [{ name: "c", image: "i", ports: [{ containerPort: 80, hostPort: 8080 }] }] }
  }))

interface Unfound {
  readonly objects: Readonly<Record<string, string | ApiFailure>>
  readonly says: string
  readonly code: number
  readonly why: string
}

const networks = "k8s.v1.cni.cncf.io/networks"
const macvlan = JSON.stringify({ cniVersion: "1.0.0", type: "macvlan" })

describe("plannedNetworks", () => {
  it.effect("K3: the node's network, with what runtime and agent know of the pod", () =>
    Effect.gen(function*() {
      const [only, ...others] = yield* plannedNetworks(folders, podOf({}), asked)
      assert.deepStrictEqual([only?.name, others.length], ["default", 0])
      assert.deepStrictEqual(only?.list.binDirs, folders.binDirs)
      assert.deepStrictEqual(only?.attachment.capabilityArgs, {
        cgroupPath: "/c",
        portMappings: [{ hostPort: 8080, containerPort: 80, protocol: "tcp" }]
      })
      const [unheard] = yield* plannedNetworks(folders, undefined, asked)
      assert.deepStrictEqual(unheard?.attachment, asked)
    }).pipe(Effect.provide(cluster({}))))

  it.effect("additional networks from objects of the API, and from files where there is none", () =>
    Effect.gen(function*() {
      const pod = podOf({ [networks]: "[{\"name\":\"vlan\",\"ips\":[\"10.0.0.9/24\"]},{\"name\":\"extra\"}]" })
      const [, first, second] = yield* plannedNetworks(folders, pod, asked)
      assert.deepStrictEqual([first?.name, first?.list.name, first?.attachment.ifname], ["n/vlan", "vlan", "net1"])
      assert.strictEqual(first?.list.source, "NetworkAttachmentDefinition n/vlan")
      assert.deepStrictEqual(first?.attachment.capabilityArgs, { ips: ["10.0.0.9/24"] })
      assert.deepStrictEqual([second?.list.source, second?.attachment.ifname], [
        "/etc/cni/net.d/extra.conflist",
        "net2"
      ])
    }).pipe(Effect.provide(cluster({ "n/vlan": macvlan, "n/extra": "" }))))

  it.effect("the default network can be another one, with an address of the pod's choice", () =>
    Effect.gen(function*() {
      const pod = podOf({ "v1.multus-cni.io/default-network": "[{\"name\":\"vlan\",\"ips\":[\"10.0.0.9\"]}]" })
      const [only] = yield* plannedNetworks(folders, pod, asked)
      assert.deepStrictEqual([only?.list.name, only?.attachment.ifname], ["vlan", "eth0"])
      assert.deepInclude(only?.attachment.capabilityArgs, { ips: ["10.0.0.9"], cgroupPath: "/c" })
    }).pipe(Effect.provide(cluster({ "n/vlan": macvlan }))))

  it.effect.each<Unfound>([
    { objects: {}, says: "there is no NetworkAttachmentDefinition n/lost", code: 7, why: "nowhere" },
    { objects: { "n/lost": new Permanent() }, says: "that this node can read", code: 7, why: "not allowed" },
    { objects: { "n/lost": new Retryable({}) }, says: "api trouble", code: 11, why: "the API server is away" },
    {
      objects: { "n/lost": "{" },
      says: "NetworkAttachmentDefinition n/lost: it is no JSON",
      code: 7,
      why: "bad object"
    }
  ])("$why: $says", ({ code, objects, says }) =>
    Effect.gen(function*() {
      const error = yield* Effect.flip(plannedNetworks(folders, podOf({ [networks]: "lost" }), asked))
      assert.include(error.message, says)
      assert.strictEqual(error.code, code)
    }).pipe(Effect.provide(cluster(objects))))

  it.effect("annotations that cannot be followed are refused, not left out", () =>
    Effect.gen(function*() {
      for (const annotations of [{ [networks]: "[" }, { "kubernetes.io/egress-bandwidth": "1" }]) {
        const error = yield* Effect.flip(plannedNetworks(folders, podOf(annotations), asked))
        assert.strictEqual(error.code, 7)
        assert.include(error.message, Object.keys(annotations)[0] ?? "")
      }
    }).pipe(Effect.provide(cluster({}))))
})
