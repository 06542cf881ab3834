import { assert, describe, it } from "@effect/vitest"
import { Effect, Layer, Option, References, Result } from "effect"
import * as fs from "node:fs"
import * as http from "node:http"
import * as https from "node:https"
import type { AddressInfo } from "node:net"
import * as os from "node:os"
import * as path from "node:path"
import * as tls from "node:tls"
import type { UserInfo } from "../../../src/domain/auth/access.ts"
import { Cri } from "../../../src/layers/cri/Cri.ts"
import * as HostFilesLive from "../../../src/layers/host/HostFilesLive.ts"
import { Access, type Credentials } from "../../../src/layers/streaming/Access.ts"
import * as AccessLive from "../../../src/layers/streaming/AccessLive.ts"
import * as KeyPairFiles from "../../../src/layers/streaming/KeyPairFiles.ts"
import * as KeyPairSelfSigned from "../../../src/layers/streaming/KeyPairSelfSigned.ts"
import { NodeReadModel } from "../../../src/layers/streaming/NodeReadModel.ts"
import { NodeServer } from "../../../src/layers/streaming/NodeServer.ts"
import * as NodeServerLive from "../../../src/layers/streaming/NodeServerLive.ts"
import * as ServingCertificateLive from "../../../src/layers/streaming/ServingCertificateLive.ts"
import { ServingKeyPair } from "../../../src/layers/streaming/ServingKeyPair.ts"
import { bareMachine, model, options, pod, type Reply, take } from "./fixture.ts"
import { authority, type Pair } from "./pki.ts"

const folder = Effect.acquireRelease(
  Effect.sync(() => fs.mkdtempSync(path.join(os.tmpdir(), "kubeffect-tls-"))),
  (dir) => Effect.sync(() => fs.rmSync(dir, { recursive: true }))
)

const get = (port: number, options: https.RequestOptions) =>
  Effect.callback<Omit<Reply, "bytes">, Error>((resume) => {
    const request = https.get({ host: "127.0.0.1", port, path: "/pods", agent: false, ...options }, (response) => {
      let body = ""
      response.on("data", (part) => body += String(part))
      response.on("end", () =>
        resume(Effect.succeed({ status: response.statusCode ?? 0, headers: response.headers, body })))
    })
    request.on("error", (error) =>
      resume(Effect.fail(error)))
  })

/** A node over TLS that trusts the clients of one authority; who came is in `seen`. */
const secureNode = Effect.gen(function*() {
  const dir = yield* folder
  const ca = yield* authority("clients")
  const serving = yield* authority("servers")
  const files = { cert: path.join(dir, "tls.crt"), key: path.join(dir, "tls.key"), ca: path.join(dir, "ca.crt") }
  const use = (pair: Pair) => {
    fs.writeFileSync(files.key, pair.key)
    fs.writeFileSync(files.cert, pair.cert)
  }
  use(yield* serving.sign({ name: "CN=node-1", usage: "server" }))
  fs.writeFileSync(files.ca, ca.cert)
  const seen: Array<UserInfo> = []
  const spy = Layer.effect(Access)(Effect.map(Access, (inner) =>
    Access.of({
      ...inner,
      authenticate: (credentials: Credentials) =>
        Effect.tap(inner.authenticate(credentials), (user) => Effect.sync(() => seen.push(user)))
    }))).pipe(Layer.provide(AccessLive.layerLocal({ anonymous: false })))
  const upstream = yield* echoServer
  const certificate = ServingCertificateLive.layerWith({ clientCa: Option.some(files.ca) }).pipe(
    Layer.provide(KeyPairFiles.layer({ certFile: files.cert, keyFile: files.key }))
  )
  const needs = Layer.mergeAll(
    certificate,
    Layer.succeed(NodeReadModel)(model([pod("a")])),
    Layer.mock(Cri)({ exec: () => Effect.succeed({ $typeName: "runtime.v1.ExecResponse", url: upstream }) }),
    spy,
    bareMachine
  ).pipe(Layer.provideMerge(HostFilesLive.layer))
  const context = yield* Layer.build(
    NodeServerLive.layer({ ...options, minVersion: Option.none(), cipherSuites: [], curves: [] }).pipe(
      Layer.provide(needs)
    )
  ).pipe(Effect.provideService(References.MinimumLogLevel, "None"))
  const { ports } = yield* Effect.provide(NodeServer, context)
  return { ca, serving, files, use, seen, port: ports.main }
})

const echoServer = Effect.acquireRelease(
  Effect.callback<http.Server>((resume) => {
    const server = http.createServer()
    server.on("upgrade", (_, socket) => {
      socket.on("error", () => socket.destroy())
      socket.write("HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: SPDY/3.1\r\n\r\n")
      socket.pipe(socket)
    })
    server.listen(0, "127.0.0.1", () => resume(Effect.succeed(server)))
  }),
  (server) => Effect.sync(() => server.close())
).pipe(Effect.map((server) => `http://127.0.0.1:${(server.address() as AddressInfo).port}/`))

describe("TLS of the node's server", () => {
  it.live("O3, A14: a certificate of the client CA says who comes", () =>
    Effect.gen(function*() {
      const { ca, port, seen, serving } = yield* secureNode
      const client = yield* ca.sign({ name: "O=system:masters,O=dev,CN=ann" })
      const reply = yield* get(port, { ca: serving.cert, ...client })
      assert.strictEqual(reply.status, 200)
      assert.strictEqual(seen[0]?.name, "ann")
      assert.deepStrictEqual(seen[0]?.groups, ["system:masters", "dev", "system:authenticated"])
    }))

  it.live("O3: no certificate, a foreign one, an expired one, a future one, a server's: 401", () =>
    Effect.gen(function*() {
      const { ca, port, serving } = yield* secureNode
      const stranger = yield* authority("clients")
      const clients: ReadonlyArray<Partial<Pair>> = [
        {},
        yield* stranger.sign({ name: "O=system:masters,CN=ann" }),
        yield* ca.sign({ name: "CN=ann", fromMs: -7_200_000, toMs: -3_600_000 }),
        yield* ca.sign({ name: "CN=ann", fromMs: 3_600_000, toMs: 7_200_000 }),
        yield* ca.sign({ name: "CN=ann", usage: "server" }),
        yield* ca.sign({ name: "O=nameless" })
      ]
      for (const client of clients) {
        const { body, status } = yield* get(port, { ca: serving.cert, ...client })
        assert.deepStrictEqual([status, body], [401, "Unauthorized"])
      }
    }))

  it.live("A13: a new certificate in the files is used without a restart", () =>
    Effect.gen(function*() {
      const { ca, files, port, serving, use } = yield* secureNode
      const client = yield* ca.sign({ name: "CN=ann" })
      const shown = Effect.callback<string>((resume) => {
        const socket = tls.connect({ host: "127.0.0.1", port, ca: serving.cert, ...client }, () => {
          resume(Effect.succeed(String(socket.getPeerCertificate().subject.CN)))
          socket.destroy()
        })
      })
      assert.strictEqual(yield* shown, "node-1")
      // A certificate without its key is not taken.
      fs.writeFileSync(files.cert, (yield* serving.sign({ name: "CN=node-bad", usage: "server" })).cert)
      yield* Effect.sleep(300)
      assert.strictEqual(yield* shown, "node-1")
      use(yield* serving.sign({ name: "CN=node-2", usage: "server" }))
      while ((yield* shown) !== "node-2") {
        yield* Effect.sleep(20)
      }
    }), 15_000)

  it.live(
    "A14: a new client CA counts from then on, the old one no more, on old connections neither",
    () =>
      Effect.gen(function*() {
        const { ca, files, port, serving } = yield* secureNode
        const other = yield* authority("other")
        const agent = new https.Agent({ keepAlive: true, maxSockets: 1 })
        const old = { ca: serving.cert, ...yield* ca.sign({ name: "CN=old" }), agent }
        const fresh = { ca: serving.cert, ...yield* other.sign({ name: "CN=new" }) }
        assert.strictEqual((yield* get(port, old)).status, 200)
        assert.strictEqual((yield* get(port, fresh)).status, 401)
        fs.writeFileSync(files.ca, other.cert)
        while ((yield* get(port, fresh)).status !== 200) {
          yield* Effect.sleep(20)
        }
        const again = yield* Effect.result(get(port, old))
        assert.isTrue(Result.isFailure(again) || again.success.status === 401)
        assert.strictEqual((yield* get(port, { ...old, agent: false })).status, 401)
        agent.destroy()
      }),
    15_000
  )

  it.live("O5: a stream over TLS keeps its half-close", () =>
    Effect.gen(function*() {
      const { ca, port, serving } = yield* secureNode
      const client = yield* ca.sign({ name: "CN=ann" })
      const socket = yield* Effect.acquireRelease(
        Effect.callback<tls.TLSSocket>((resume) => {
          const socket = tls.connect({ host: "127.0.0.1", port, ca: serving.cert, ...client }, () => {
            socket.write(
              "POST /exec/ns/a/c?command=cat&input=1&output=1 HTTP/1.1\r\nHost: x\r\n"
                + "Connection: Upgrade\r\nUpgrade: SPDY/3.1\r\n\r\nearly "
            )
            resume(Effect.succeed(socket))
          })
        }),
        (socket) => Effect.sync(() => socket.destroy())
      )
      const head = "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: SPDY/3.1\r\n\r\n"
      assert.strictEqual((yield* take(socket, head.length)).toString(), head)
      socket.end("and late")
      assert.strictEqual((yield* take(socket, 14)).toString(), "early and late")
    }))

  it.live("O13: an old protocol, or none at all, is refused", () =>
    Effect.gen(function*() {
      const { port } = yield* secureNode
      const old = yield* Effect.flip(
        get(port, { rejectUnauthorized: false, maxVersion: "TLSv1.1", minVersion: "TLSv1" })
      )
      assert.match(old.message, /protocol|version|EPROTO/i)
      const plain = yield* Effect.exit(Effect.callback<void, Error>((resume) => {
        http.get({ host: "127.0.0.1", port, path: "/pods", agent: false }, () => resume(Effect.void))
          .on("error", (error) => resume(Effect.fail(error)))
      }))
      assert.strictEqual(plain._tag, "Failure")
    }))
})

describe("a self-signed certificate", () => {
  const pair = (directory: string) =>
    ServingKeyPair.pipe(
      Effect.flatMap(({ current }) => current),
      Effect.flatMap(Effect.fromOption),
      Effect.provide(
        Layer.fresh(KeyPairSelfSigned.layer({ directory, hostname: "node", addresses: ["10.0.0.1", "fd00::1"] })).pipe(
          Layer.provide(HostFilesLive.layer)
        )
      )
    )

  it.live("A13: is made once, names host and addresses, and its key is the owner's alone", () =>
    Effect.gen(function*() {
      const directory = path.join(yield* folder, "pki")
      const first = yield* pair(directory)
      assert.deepStrictEqual(yield* pair(directory), first)
      assert.strictEqual(fs.statSync(path.join(directory, "kubelet.key")).mode & 0o777, 0o600)
      const { X509Certificate } = yield* Effect.promise(() => import("node:crypto"))
      const names = new X509Certificate(first.cert).subjectAltName ?? ""
      for (const name of ["DNS:node", "IP Address:10.0.0.1", "IP Address:FD00:0:0:0:0:0:0:1"]) {
        assert.include(names, name)
      }
      fs.writeFileSync(path.join(directory, "kubelet.crt"), "torn")
      const mended = yield* pair(directory)
      assert.notStrictEqual(mended.cert, first.cert)
    }))
})
