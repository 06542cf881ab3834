/**
 * A node from its bootstrap token on, over many lives of its certificates: the agent as a process, the API server over
 * TLS, which signs what nodes ask for, and clients that never stop asking both. In CI the certificates live for some
 * seconds; `CERTIFICATE_LIFE=60 CERTIFICATE_ROTATIONS=20` makes it a run of half an hour with lives of a minute.
 */
import { NodeServices } from "@effect/platform-node"
import { assert, layer } from "@effect/vitest"
import { Context, Effect, FileSystem, Layer, Result } from "effect"
import { readdirSync, readFileSync, readlinkSync, statSync } from "node:fs"
import * as https from "node:https"
import type { TLSSocket } from "node:tls"
import { parse } from "yaml"
import { nodeSigners } from "../../../src/domain/certificates/signers.ts"
import { at } from "../../../src/domain/k8s/json.ts"
import * as resources from "../../../src/domain/k8s/resources.ts"
import { serve } from "../../../src/layers/api/memory/ApiServerHttp.ts"
import { kubeconfig } from "../../../src/layers/api/memory/kubeconfig.ts"
import * as MemoryApi from "../../../src/layers/api/memory/MemoryApi.ts"
import * as TestContainerd from "../../fixture/containerd/TestContainerd.ts"
import { ClusterServer } from "../../fixture/node/ClusterServer.ts"
import * as TestNode from "../../fixture/node/TestNode.ts"

const lifeSeconds = Number(process.env["CERTIFICATE_LIFE"] ?? 6)
/** Dated back as signers do, a certificate is renewed early in the time that is left: a slow machine has time for it. */
const backdateSeconds = lifeSeconds < 30 ? 2 * lifeSeconds : 0
/** Of the client's and of the server's certificate each. */
const rotations = Number(process.env["CERTIFICATE_ROTATIONS"] ?? 10)
const limitSeconds = (lifeSeconds + 1) * (rotations + 1) + 30

const bootstrapper = { username: "system:bootstrap:abcdef", groups: ["system:bootstrappers"] }

class Cluster extends Context.Service<Cluster, {
  readonly api: MemoryApi.MemoryApi
  readonly ca: string
  readonly folder: string
}>()("kubeffect/test/integration/certificates/Cluster") {}

const cluster = Layer.effectContext(Effect.gen(function*() {
  const fs = yield* FileSystem.FileSystem
  const folder = yield* fs.makeTempDirectoryScoped({ prefix: "kubeffect-bootstrap-" })
  const api = yield* MemoryApi.make({
    signCertificates: true,
    certificateLifeMs: lifeSeconds * 1000,
    certificateBackdateMs: backdateSeconds * 1000,
    tokens: {
      "admin-token": { username: "admin", groups: ["system:masters"] },
      "abcdef.0123456789abcdef": bootstrapper
    }
  })
  const serving = yield* serve(api, { tls: true })
  yield* fs.writeFileString(`${folder}/admin.yaml`, kubeconfig(serving, { token: "admin-token" }))
  yield* fs.writeFileString(`${folder}/bootstrap.yaml`, kubeconfig(serving, { token: "abcdef.0123456789abcdef" }))
  const ca = serving.certificateAuthority ?? ""
  const server = ClusterServer.of({
    adminKubeconfig: `${folder}/admin.yaml`,
    // Not there yet.
    nodeKubeconfig: `${folder}/kubeconfig`,
    clientCa: ca
  })
  return Context.make(ClusterServer, server).pipe(Context.add(Cluster, Cluster.of({ api, ca, folder })))
})).pipe(Layer.provide(NodeServices.layer))

interface Seen {
  readonly status: number
  readonly serial: string
  readonly names: string
}

const agent = (keepAlive: boolean, ca: string) => new https.Agent({ keepAlive, ca, maxSockets: 1 })

/** Asks as somebody whose token and rights the node has to ask the API server about. */
const ask = (port: number, path: string, through: https.Agent) =>
  Effect.callback<Seen, Error>((resume) => {
    const headers = { authorization: "Bearer admin-token" }
    const request = https.get({ host: "127.0.0.1", port, path, agent: through, headers }, (response) => {
      const certificate = (response.socket as TLSSocket).getPeerCertificate()
      response.resume()
      response.on("end", () =>
        resume(Effect.succeed({
          status: response.statusCode ?? 0,
          serial: certificate.serialNumber,
          names: certificate.subjectaltname ?? ""
        })))
    })
    request.on("error", (error) => resume(Effect.fail(error)))
  })

const node = TestNode.layer({
  config: {
    rotateCertificates: true,
    serverTLSBootstrap: true,
    // Every question about a token or a right goes to the API server.
    authentication: { webhook: { enabled: true, cacheTTL: "1ms" }, anonymous: { enabled: false } },
    authorization: { mode: "Webhook", webhook: { cacheAuthorizedTTL: "1ms", cacheUnauthorizedTTL: "1ms" } }
  },
  bootstrap: (folder) => `${folder}/bootstrap.yaml`
})

layer(node.pipe(Layer.provideMerge(Layer.merge(cluster, TestContainerd.layer))), {
  excludeTestServices: true,
  timeout: "120 seconds"
})(
  "a node that bootstraps",
  (it) => {
    it.effect(
      "A11, A12, A13: joins by a token and serves through twenty rotations without a gap",
      () =>
        Effect.gen(function*() {
          const { api, ca } = yield* Cluster
          const { folder, log, start } = yield* TestNode.TestNode
          const { port } = parse(readFileSync(`${folder}/kubelet.yaml`, "utf8")) as { readonly port: number }
          yield* start
          yield* TestNode.eventually(ask(port, "/healthz", agent(false, ca)))

          const failures: Array<string> = []
          const serials = new Set<string>()
          const asked = { once: 0, kept: 0 }
          const keeping = agent(true, ca)
          const poll = (name: keyof typeof asked, path: string, through: https.Agent) =>
            Effect.gen(function*() {
              const seen = yield* Effect.result(ask(port, path, through))
              asked[name] += 1
              if (Result.isFailure(seen)) failures.push(`${name} ${asked[name]}: ${seen.failure.message}`)
              else if (seen.success.status !== 200) failures.push(`${name} ${asked[name]}: ${seen.success.status}`)
              else if (seen.success.serial !== undefined) serials.add(seen.success.serial)
              yield* Effect.sleep(100)
            }).pipe(Effect.forever)
          yield* Effect.forkChild(poll("once", "/healthz", agent(false, ca)))
          yield* Effect.forkChild(poll("kept", "/pods", keeping))

          const ready = () =>
            JSON.stringify(api.objects(resources.nodes)[0]?.["status"] ?? {}).includes(
              `"reason":"KubeletReady"`
            )
          yield* TestNode.eventually(Effect.sync(() => assert.isTrue(ready(), "the node is Ready")))
          const clients = () =>
            api.objects(resources.certificateSigningRequests).filter((request) =>
              at(request, "spec", "signerName") === nodeSigners.client &&
              at(request, "status", "certificate") !== undefined
            )
          yield* TestNode.eventually(
            Effect.sync(() => {
              assert.deepStrictEqual(failures, [])
              assert.isAtLeast(clients().length, rotations + 1)
              assert.isAtLeast(serials.size, rotations + 1)
            }),
            limitSeconds
          )

          keeping.destroy()
          assert.deepStrictEqual(failures, [])
          assert.isAbove(asked.once, rotations * 5)
          assert.isAbove(asked.kept, rotations * 5)
          assert.isTrue(ready(), "the node is still Ready")
          const said = yield* log
          assert.notMatch(said, /Unauthorized|has expired|failed and starts again/)
          yield* Effect.log({ client: clients().length, serving: serials.size, ...asked })
        }).pipe(
          Effect.tapCause(() => Effect.flatMap(TestNode.TestNode, ({ log }) => Effect.flatMap(log, Effect.logError)))
        ),
      (limitSeconds + 60) * 1000
    )

    it.effect("A11: leaves behind what the kubelet leaves", () =>
      Effect.gen(function*() {
        const { api, folder } = yield* Cluster
        const { folder: place } = yield* TestNode.TestNode
        const written = parse(readFileSync(`${folder}/kubeconfig`, "utf8"))
        const current = `${place}/pki/kubelet-client-current.pem`
        assert.deepStrictEqual(written.users, [
          { name: "default-auth", user: { "client-certificate": current, "client-key": current } }
        ])
        assert.strictEqual(written["current-context"], "default-context")
        assert.strictEqual(statSync(`${folder}/kubeconfig`).mode & 0o777, 0o600)
        assert.match(readlinkSync(current), /\/pki\/kubelet-client-\d{4}(-\d\d){5}\.pem$/)
        assert.strictEqual(statSync(current).mode & 0o777, 0o600)
        assert.match(readFileSync(current, "utf8"), /^-----BEGIN CERTIFICATE-----[^]+-----BEGIN EC PRIVATE KEY-----/)
        assert.isFalse(readdirSync(`${place}/pki`).some((name) => name.endsWith(".tmp")))
        const [first, ...later] = api.objects(resources.certificateSigningRequests)
          .map(({ metadata, spec }) => ({
            name: metadata.name ?? "",
            ...spec as { username: string; usages: unknown }
          }))
          .sort((a, b) => Number(b.name.startsWith("node-csr-")) - Number(a.name.startsWith("node-csr-")))
        assert.match(first?.name ?? "", /^node-csr-/)
        assert.isTrue([first, ...later].some((one) => one?.username === bootstrapper.username))
        assert.isTrue(later.some(({ name, username }) => name.startsWith("csr-") && username === "system:node:n1"))
      }))
  }
)
