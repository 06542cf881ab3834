import { NodeServices } from "@effect/platform-node"
import { assert, describe, it } from "@effect/vitest"
import { Clock, Effect, FileSystem, Layer, Result, type Scope } from "effect"
import { clientIdentity, type IdentitySetup } from "../../../src/cli/compose/clientIdentity.ts"
import * as resources from "../../../src/domain/k8s/resources.ts"
import { KubeApi } from "../../../src/layers/api/KubeApi.ts"
import * as KubeApiLive from "../../../src/layers/api/KubeApiLive.ts"
import { parse } from "../../../src/layers/api/Kubeconfig.ts"
import { serve, type Serving } from "../../../src/layers/api/memory/ApiServerHttp.ts"
import { type Credentials, kubeconfig } from "../../../src/layers/api/memory/kubeconfig.ts"
import * as MemoryApi from "../../../src/layers/api/memory/MemoryApi.ts"
import { X509 } from "../../../src/layers/certificates/X509.ts"
import * as X509Live from "../../../src/layers/certificates/X509Live.ts"
import * as HostFilesLive from "../../../src/layers/host/HostFilesLive.ts"

const hour = 3_600_000
const usages = ["digital signature", "client auth"]

/** A folder for the node, and an API server that signs; the folder has a bootstrap kubeconfig. */
const ground = Effect.gen(function*() {
  const fs = yield* FileSystem.FileSystem
  const folder = yield* fs.makeTempDirectoryScoped()
  const api = yield* MemoryApi.make({
    signCertificates: true,
    certificateLifeMs: hour,
    tokens: { token: { username: "system:bootstrap:abcdef", groups: ["system:bootstrappers"] } }
  })
  const serving = yield* serve(api, { tls: true })
  yield* fs.writeFileString(`${folder}/bootstrap.yaml`, kubeconfig(serving, { token: "token" }))
  const write = (credentials: Credentials, at: Serving = serving) =>
    fs.writeFileString(`${folder}/kubeconfig`, kubeconfig(at, credentials))
  const certified = Effect.fnUntraced(function*(lifeMs: number) {
    const x509 = yield* X509
    const key = yield* x509.newKey
    const subject = { commonName: "system:node:n1", organization: "system:nodes", dnsNames: [], ips: [] }
    const certificate = yield* (yield* api.authority).sign(yield* x509.request(key, subject), usages, lifeMs)
    return { certificate, key }
  })
  const identity = (options: Partial<IdentitySetup> = {}) =>
    clientIdentity({
      kubeconfig: `${folder}/kubeconfig`,
      bootstrapKubeconfig: `${folder}/bootstrap.yaml`,
      certDir: `${folder}/pki`,
      nodeName: "n1",
      rotate: true,
      ...options
    })
  const requests = () => api.objects(resources.certificateSigningRequests)
  const text = (name: string) => fs.readFileString(`${folder}/${name}`)
  return { folder, write, certified, identity, requests, text, fs }
})

const services = Layer.mergeAll(NodeServices.layer, HostFilesLive.layer, X509Live.layer)

const test = <A, E>(
  body: Effect.Effect<A, E, Layer.Success<typeof services> | Scope.Scope>
) => Effect.provide(body, services)

describe("who the node is at the API server", () => {
  it.live("A11: without rotation, bootstrap ends with a kubeconfig that works by itself", () =>
    test(Effect.gen(function*() {
      const { folder, identity, requests, text } = yield* ground
      const { access } = yield* identity({ rotate: false })
      assert.strictEqual(requests().length, 1)
      assert.strictEqual((yield* text("pki/kubelet-client-current.pem")).match(/-----BEGIN/g)?.length, 2)
      const written = Result.getOrThrow(parse(yield* text("kubeconfig"), `${folder}/kubeconfig`))
      assert.deepStrictEqual(written.user, access.user)
      const version = yield* KubeApi.pipe(
        Effect.flatMap((api) => api.request({ method: "GET", path: "/version" })),
        Effect.provide(KubeApiLive.layer(written))
      )
      assert.strictEqual(version.status, 200)
      // The next start needs no bootstrap.
      yield* identity({ rotate: false, bootstrapKubeconfig: `${folder}/none` })
      assert.strictEqual(requests().length, 1)
    })))

  it.live("A11: with rotation the kubeconfig is there before the certificate, and counts only with it", () =>
    test(Effect.gen(function*() {
      const { identity, requests, text } = yield* ground
      yield* identity()
      assert.include(yield* text("kubeconfig"), "kubelet-client-current.pem")
      assert.strictEqual(requests().length, 0)
      const { access } = yield* identity()
      assert.strictEqual(access.user.token, undefined)
    })))

  it.live.each([
    { why: "whose certificate has expired", lifeMs: -hour, torn: false },
    { why: "that is torn", lifeMs: hour, torn: true }
  ])("A11: a kubeconfig $why is replaced", ({ lifeMs, torn }) =>
    test(Effect.gen(function*() {
      const { certified, folder, fs, identity, text, write } = yield* ground
      yield* write(yield* certified(lifeMs))
      if (torn) yield* fs.writeFileString(`${folder}/kubeconfig`, "{")
      yield* identity({ rotate: false })
      assert.include(yield* text("kubeconfig"), "default-auth")
    })))

  it.live("A11: a kubeconfig that is good is left alone, whatever bootstrap has", () =>
    test(Effect.gen(function*() {
      const { certified, identity, requests, text, write } = yield* ground
      yield* write(yield* certified(hour))
      const before = yield* text("kubeconfig")
      yield* identity({ rotate: false })
      assert.strictEqual(yield* text("kubeconfig"), before)
      assert.strictEqual(requests().length, 0)
    })))

  it.live("A12: a certificate in the kubeconfig is put where rotation keeps its own, which then wins", () =>
    test(Effect.gen(function*() {
      const { certified, folder, fs, identity, text, write } = yield* ground
      const first = yield* certified(hour)
      yield* write(first)
      const { access } = yield* identity({ bootstrapKubeconfig: "" })
      const path = `${folder}/pki/kubelet-client-current.pem`
      assert.deepStrictEqual(access.user.clientCertificate?.cert, { _tag: "File", path })
      assert.include(yield* text("pki/kubelet-client-current.pem"), first.certificate.trim())
      yield* write(yield* certified(2 * hour))
      yield* identity({ bootstrapKubeconfig: "" })
      assert.include(yield* text("pki/kubelet-client-current.pem"), first.certificate.trim())
      // Unless it is of no use any more: then an administrator has helped by a new kubeconfig.
      const old = yield* certified(-hour)
      yield* fs.writeFileString(path, `${old.certificate}${old.key}`)
      yield* identity({ bootstrapKubeconfig: "" })
      const facts = yield* (yield* X509).read(yield* text("pki/kubelet-client-current.pem"))
      assert.isAbove(facts.notAfterMs, (yield* Clock.currentTimeMillis) + hour)
    })))

  it.live("A12: who comes with a token keeps it", () =>
    test(Effect.gen(function*() {
      const { identity, write } = yield* ground
      yield* write({ token: "token" })
      assert.strictEqual((yield* identity()).access.user.token, "token")
    })))

  it.live("A10: without anything to begin with, the file that is missing is named", () =>
    test(Effect.gen(function*() {
      const { folder, identity } = yield* ground
      const none = yield* Effect.flip(identity({ bootstrapKubeconfig: "" }))
      assert.include(String(none), `${folder}/kubeconfig`)
      const neither = yield* Effect.flip(identity({ bootstrapKubeconfig: `${folder}/none` }))
      assert.include(String(neither), `${folder}/none`)
    })))
})
