/** TLS and credentials against an HTTPS server that asks for client certificates. */
import { NodeFileSystem } from "@effect/platform-node"
import { assert, describe, it } from "@effect/vitest"
import { Effect, FileSystem, Stream } from "effect"
import { randomBytes } from "node:crypto"
import * as Http from "node:http"
import { connect } from "node:net"
import type { Duplex } from "node:stream"
import { Worker } from "node:worker_threads"
import * as Resources from "../../../../src/domain/k8s/resources.ts"
import { KubeApi } from "../../../../src/layers/api/KubeApi.ts"
import * as KubeApiLive from "../../../../src/layers/api/KubeApiLive.ts"
import type { ServerAccess, UserAccess } from "../../../../src/layers/api/Kubeconfig.ts"
import * as Kubeconfig from "../../../../src/layers/api/Kubeconfig.ts"
import { makeAuthority, type Pair } from "./certificates.ts"
import * as TestServer from "./testServer.ts"

const inline = (pem: string) => ({ _tag: "Inline" as const, pem })
const clientOf = ({ cert, key }: Pair): UserAccess => ({ clientCertificate: { cert: inline(cert), key: inline(key) } })

const object = { metadata: { name: "n1" } }
const answerAll: TestServer.Answer = (_, response) => TestServer.json(response, object)

const secureServer = Effect.fnUntraced(function*(
  answer: TestServer.Answer = answerAll,
  names: ReadonlyArray<string> = ["127.0.0.1"]
) {
  const authority = yield* makeAuthority("test-ca")
  const { cert, key } = yield* authority.issue("CN=server", names)
  const server = yield* TestServer.start(answer, {
    tls: { cert, key, ca: authority.cert, requestCert: true, rejectUnauthorized: false }
  })
  const access: ServerAccess = { server: server.url, insecure: false, ca: inline(authority.cert), user: {} }
  return { authority, server, access }
})

/** On a thread of its own, where it answers before this one's event loop has gone round. */
const quickServer = Effect.fnUntraced(function*(tls: Pair) {
  const source = `
    const { parentPort, workerData } = require("node:worker_threads")
    const server = require("node:https").createServer(workerData, (request, response) => {
      request.resume().on("end", () => response.end('{"metadata":{"name":"n1"}}'))
    })
    server.on("secureConnection", () => parentPort.postMessage({ opened: true }))
    server.listen(0, "127.0.0.1", () => parentPort.postMessage({ port: server.address().port }))`
  const worker = yield* Effect.acquireRelease(
    Effect.sync(() => new Worker(source, { eval: true, workerData: tls })),
    (one) => Effect.promise(() => one.terminate())
  )
  let opened = 0
  worker.on("message", (told: { readonly opened?: true }) => {
    if (told.opened === true) opened += 1
  })
  const port = yield* Effect.callback<number>((resume) =>
    void worker.once("message", (told: { readonly port: number }) => resume(Effect.succeed(told.port)))
  )
  return { url: `https://127.0.0.1:${port}`, opened: () => opened }
})

const getNode = Effect.flatMap(KubeApi, (api) => api.get(Resources.nodes, { name: "n1" }))
const patchNode = Effect.flatMap(
  KubeApi,
  (api) =>
    api.patch(Resources.nodes, { name: "n1" }, { type: "strategic", body: { status: { text: "x".repeat(4000) } } })
)

const withAccessAt = (access: ServerAccess, options: Partial<KubeApiLive.Options>) =>
  Effect.provide(KubeApiLive.layer(access, options), { local: true })
const withAccess = (access: ServerAccess) => withAccessAt(access, {})

describe("KubeApiLive: TLS", () => {
  it.live("A10: trusts the authority of the kubeconfig and presents the client certificate", () =>
    Effect.gen(function*() {
      const { access, authority, server } = yield* secureServer()
      const client = yield* authority.issue("O=system:nodes, CN=system:node:n1")
      yield* getNode.pipe(withAccess({ ...access, user: clientOf(client) }))
      assert.deepStrictEqual(server.asked.map(({ subject }) => subject), ["system:node:n1"])
    }))

  it.live("does not speak to a server of another authority, unless told not to look", () =>
    Effect.gen(function*() {
      const { access, server } = yield* secureServer()
      const other = yield* makeAuthority("other-ca")
      const error = yield* Effect.flip(getNode.pipe(withAccess({ ...access, ca: inline(other.cert) })))
      assert.strictEqual(error.reason._tag, "Retryable")
      assert.strictEqual(server.asked.length, 0)
      yield* getNode.pipe(withAccess({ server: access.server, insecure: true, user: {} }))
    }))

  it.live("connections are kept from call to call, however early an answer comes", () =>
    Effect.gen(function*() {
      const authority = yield* makeAuthority("test-ca")
      const quick = yield* quickServer(yield* authority.issue("CN=server", ["127.0.0.1"]))
      // Others have work to do, too: the answer is there before the loop hears of the request that was written.
      const busy = Effect.yieldNow.pipe(
        Effect.andThen(Effect.sync(() => randomBytes(300_000))),
        Effect.forever
      )
      yield* Effect.forkChild(busy)
      yield* Effect.forEach(Array.from({ length: 400 }), () => patchNode, { concurrency: 5 }).pipe(
        withAccessAt({ server: quick.url, insecure: false, ca: inline(authority.cert), user: {} }, { qps: 0 })
      )
      assert.isAtMost(quick.opened(), 5)
    }))

  it.live("A10: tls-server-name is checked instead of the address", () =>
    Effect.gen(function*() {
      const { access } = yield* secureServer(answerAll, ["api.example"])
      const error = yield* Effect.flip(getNode.pipe(withAccess(access)))
      assert.include(error.detail, "127.0.0.1")
      yield* getNode.pipe(withAccess({ ...access, serverName: "api.example" }))
    }))

  it.live("A10: proxy-url tunnels to the server, whose certificate is still checked", () =>
    Effect.gen(function*() {
      const { access, authority, server } = yield* secureServer()
      const tunnels: Array<string> = []
      const proxy = yield* Effect.acquireRelease(
        Effect.callback<Http.Server>((resume) => {
          const made = Http.createServer()
          made.on("connect", (request, client: Duplex) => {
            tunnels.push(request.url ?? "")
            const upstream = connect(server.port, "127.0.0.1", () => {
              client.write("HTTP/1.1 200 Connection established\r\n\r\n")
              upstream.pipe(client).pipe(upstream)
            })
            client.on("error", () => upstream.destroy())
            upstream.on("error", () => client.destroy())
          })
          made.listen(0, "127.0.0.1", () => resume(Effect.succeed(made)))
        }),
        (made) =>
          Effect.sync(() => {
            made.close()
            made.closeAllConnections()
          })
      )
      const address = proxy.address()
      const proxyUrl = `http://127.0.0.1:${typeof address === "object" ? address?.port : ""}`
      const client = yield* authority.issue("CN=behind-proxy")
      yield* getNode.pipe(withAccess({ ...access, proxyUrl, user: clientOf(client) }))
      assert.deepStrictEqual(tunnels, [`127.0.0.1:${server.port}`])
      assert.strictEqual(server.asked[0]?.subject, "behind-proxy")
      const other = yield* makeAuthority("other-ca")
      const error = yield* Effect.flip(getNode.pipe(withAccess({ ...access, proxyUrl, ca: inline(other.cert) })))
      assert.strictEqual(error.reason._tag, "Retryable")
    }))

  it.live("A12: a client certificate replaced on disk is presented on new connections", () =>
    Effect.gen(function*() {
      const fs = yield* FileSystem.FileSystem
      const folder = yield* fs.makeTempDirectoryScoped()
      const { access, authority, server } = yield* secureServer()
      // One PEM file behind a symbolic link, as certificate rotation leaves it.
      const install = Effect.fnUntraced(function*(file: string) {
        const pair = yield* authority.issue(`CN=${file}`)
        yield* fs.writeFileString(`${folder}/${file}.pem`, `${pair.cert}\n${pair.key}`)
        yield* fs.symlink(`${folder}/${file}.pem`, `${folder}/new`)
        yield* fs.rename(`${folder}/new`, `${folder}/current.pem`)
      })
      const pem = { _tag: "File" as const, path: `${folder}/current.pem` }
      yield* install("first")
      yield* Effect.gen(function*() {
        yield* getNode
        yield* install("second")
        yield* Effect.repeat(getNode, { until: () => server.asked.at(-1)?.subject === "second" })
        assert.strictEqual(server.asked[0]?.subject, "first")
      }).pipe(withAccess({ ...access, user: { clientCertificate: { cert: pem, key: pem } } }))
    }).pipe(Effect.provide(NodeFileSystem.layer)))
})

describe("KubeApiLive: a watch", () => {
  it.live("A12: moves to a certificate replaced on disk at once, and goes on where it was", () =>
    Effect.gen(function*() {
      const fs = yield* FileSystem.FileSystem
      const path = `${yield* fs.makeTempDirectoryScoped()}/current.pem`
      const { access, authority, server } = yield* secureServer((asked, response) => {
        const version = asked.subject === "first" ? "7" : "8"
        response.writeHead(200, { "content-type": "application/json" })
        const node = { kind: "Node", metadata: { name: "n1", resourceVersion: version } }
        // Told, and then silent for good: nothing but the new certificate ends it.
        response.write(`${JSON.stringify({ type: "MODIFIED", object: node })}\n`)
      })
      const install = Effect.fnUntraced(function*(name: string) {
        const pair = yield* authority.issue(`CN=${name}`)
        yield* fs.writeFileString(`${path}.new`, `${pair.cert}\n${pair.key}`)
        yield* fs.rename(`${path}.new`, path)
      })
      yield* install("first")
      const pem = { _tag: "File" as const, path }
      const versions = yield* KubeApi.pipe(
        Effect.flatMap((api) =>
          api.watch(Resources.nodes, { resourceVersion: "5" }).pipe(
            Stream.map(({ object }) => object.metadata.resourceVersion),
            Stream.tap((version) => version === "7" ? Effect.delay(install("second"), "200 millis") : Effect.void),
            Stream.take(2),
            Stream.runCollect
          )
        ),
        withAccess({ ...access, user: { clientCertificate: { cert: pem, key: pem } } })
      )
      assert.deepStrictEqual(versions, ["7", "8"])
      assert.deepStrictEqual(
        server.asked.map(({ subject, url }) => [subject, /resourceVersion=(\d+)/.exec(url)?.[1]]),
        [["first", "5"], ["second", "7"]]
      )
    }).pipe(Effect.provide(NodeFileSystem.layer)))
})

/** Accepts only this bearer token. */
const accepting = (token: () => string): TestServer.Answer => (asked, response) =>
  asked.headers.authorization === `Bearer ${token()}`
    ? TestServer.json(response, object)
    : TestServer.json(response, TestServer.status(401, "Unauthorized", "Unauthorized"), 401)

describe("KubeApiLive: credentials", () => {
  it.live("A10: a token file is read again when the server refuses the token, and the call repeated", () =>
    Effect.gen(function*() {
      const fs = yield* FileSystem.FileSystem
      const path = `${yield* fs.makeTempDirectoryScoped()}/token`
      let valid = "one"
      const server = yield* TestServer.start(accepting(() => valid))
      yield* fs.writeFileString(path, "one\n")
      yield* Effect.gen(function*() {
        yield* getNode
        valid = "two"
        yield* fs.writeFileString(path, "two\n")
        yield* getNode
        assert.strictEqual(server.asked.length, 3)
        valid = "three"
        const error = yield* Effect.flip(getNode)
        assert.strictEqual(error.reason._tag, "Permanent")
        assert.strictEqual(error.status, 401)
      }).pipe(withAccess({ server: server.url, insecure: false, user: { tokenFile: path } }))
    }).pipe(Effect.provide(NodeFileSystem.layer)))

  it.live("A10: a token file that changes is followed without a refusal, and outlives its deletion", () =>
    Effect.gen(function*() {
      const fs = yield* FileSystem.FileSystem
      const path = `${yield* fs.makeTempDirectoryScoped()}/token`
      const server = yield* TestServer.start(answerAll)
      const last = () => server.asked.at(-1)?.headers.authorization
      yield* Effect.gen(function*() {
        yield* getNode
        assert.strictEqual(last(), "Bearer inline", "the token in place bridges the time until the file appears")
        yield* fs.writeFileString(path, "one")
        yield* Effect.repeat(getNode, { until: () => last() === "Bearer one" })
        yield* fs.writeFileString(path, "two")
        yield* Effect.repeat(getNode, { until: () => last() === "Bearer two" })
        yield* fs.remove(path)
        yield* getNode
        assert.strictEqual(last(), "Bearer two")
      }).pipe(withAccess({ server: server.url, insecure: false, user: { tokenFile: path, token: "inline" } }))
    }).pipe(Effect.provide(NodeFileSystem.layer)))

  it.live("A10: user name and password", () =>
    Effect.gen(function*() {
      const server = yield* TestServer.start(answerAll)
      const user = { basic: { username: "u", password: "p:ä" } }
      yield* getNode.pipe(withAccess({ server: server.url, insecure: false, user }))
      assert.strictEqual(server.asked[0]?.headers.authorization, `Basic ${Buffer.from("u:p:ä").toString("base64")}`)
    }))
})

/** A plugin that counts its runs in a file, and prints what `status` says. */
const plugin = Effect.fnUntraced(function*(script: string) {
  const fs = yield* FileSystem.FileSystem
  const folder = yield* fs.makeTempDirectoryScoped()
  yield* fs.writeFileString(`${folder}/plugin`, `#!/bin/sh\ncd "$(dirname "$0")"\necho run >> runs\n${script}\n`)
  yield* fs.chmod(`${folder}/plugin`, 0o755)
  const runs = fs.readFileString(`${folder}/runs`).pipe(
    Effect.map((text) => text.trim().split("\n").length),
    Effect.orElseSucceed(() => 0)
  )
  return { folder, runs, fs }
})

const kubeconfig = (server: string, exec: string) => `
clusters: [{name: c, cluster: {server: "${server}", extensions: [
  {name: client.authentication.k8s.io/exec, extension: {audience: me}}]}}]
contexts: [{name: x, context: {cluster: c, user: u}}]
users: [{name: u, user: {exec: {command: ./plugin, interactiveMode: Never, ${exec}}}}]
current-context: x
`

const credential = (version: string, status: string) =>
  `cat <<END\n{"apiVersion":"client.authentication.k8s.io/${version}","kind":"ExecCredential","status":{${status}}}\nEND`

describe("KubeApiLive: exec plugins", () => {
  const running = Effect.fnUntraced(function*(folder: string, server: string, exec: string) {
    const fs = yield* FileSystem.FileSystem
    yield* fs.writeFileString(`${folder}/kubeconfig`, kubeconfig(server, exec))
    return withAccess(yield* Kubeconfig.load(`${folder}/kubeconfig`))
  })
  const v1 = "apiVersion: client.authentication.k8s.io/v1"

  it.live("A10: runs once, with its environment and the cluster it asked for, until the server refuses", () =>
    Effect.gen(function*() {
      let valid = "t1"
      const server = yield* TestServer.start(accepting(() => valid))
      const { folder, fs, runs } = yield* plugin(
        `echo "$KUBERNETES_EXEC_INFO" > info\necho "$EXTRA $1" > extra\n` +
          credential("v1", `"token":"t$(wc -l < runs | tr -d ' ')"`)
      )
      const exec = `${v1}, args: [arg], env: [{name: EXTRA, value: set}], provideClusterInfo: true`
      const provide = yield* running(folder, server.url, exec)
      yield* Effect.gen(function*() {
        yield* Effect.all([getNode, getNode, getNode], { concurrency: 3 })
        assert.strictEqual(yield* runs, 1)
        valid = "t2"
        yield* getNode
        assert.strictEqual(yield* runs, 2)
      }).pipe(provide)
      assert.strictEqual(yield* fs.readFileString(`${folder}/extra`), "set arg\n")
      assert.deepStrictEqual(JSON.parse(yield* fs.readFileString(`${folder}/info`)), {
        kind: "ExecCredential",
        apiVersion: "client.authentication.k8s.io/v1",
        spec: { interactive: false, cluster: { server: server.url, config: { audience: "me" } } }
      })
    }).pipe(Effect.provide(NodeFileSystem.layer)))

  it.live("A10: v1beta1, and a credential that has expired is asked for again", () =>
    Effect.gen(function*() {
      const server = yield* TestServer.start(answerAll)
      const { folder, runs } = yield* plugin(
        credential("v1beta1", `"token":"t","expirationTimestamp":"2020-01-01T00:00:00Z"`)
      )
      const provide = yield* running(folder, server.url, "apiVersion: client.authentication.k8s.io/v1beta1")
      yield* Effect.andThen(getNode, getNode).pipe(provide)
      assert.strictEqual(yield* runs, 2)
    }).pipe(Effect.provide(NodeFileSystem.layer)))

  it.live("A10: a plugin may give a client certificate", () =>
    Effect.gen(function*() {
      const { access, authority, server } = yield* secureServer()
      const client = yield* authority.issue("CN=from-plugin")
      const text = (value: string) => JSON.stringify(value)
      const { folder } = yield* plugin(
        `cat <<'END'\n{"apiVersion":"client.authentication.k8s.io/v1","kind":"ExecCredential","status":{` +
          `"clientCertificateData":${text(client.cert)},"clientKeyData":${text(client.key)}}}\nEND`
      )
      const exec: Kubeconfig.ExecPlugin = {
        apiVersion: "client.authentication.k8s.io/v1",
        command: `${folder}/plugin`,
        args: [],
        env: {},
        installHint: ""
      }
      yield* getNode.pipe(withAccess({ ...access, user: { exec } }))
      assert.strictEqual(server.asked[0]?.subject, "from-plugin")
    }).pipe(Effect.provide(NodeFileSystem.layer)))

  it.live.each([
    { script: "echo no luck >&2; exit 3", want: "exited with 3: no luck\nget it from x" },
    { script: "echo hello", want: "printed no ExecCredential" },
    { script: credential("v1", ""), want: "gave neither a token nor a certificate" },
    { script: credential("v1", `"clientKeyData":"x"`), want: "gave half of a certificate and key pair" },
    { script: credential("v1beta1", `"token":"t"`), want: "answered in client.authentication.k8s.io/v1beta1" },
    { script: credential("v1", `"token":"t","expirationTimestamp":"soon"`), want: `expirationTimestamp "soon"` }
  ])("A10: a plugin that gives nothing is a failure to retry: $want", ({ script, want }) =>
    Effect.gen(function*() {
      const server = yield* TestServer.start(answerAll)
      const { folder } = yield* plugin(script)
      const provide = yield* running(folder, server.url, `${v1}, installHint: get it from x`)
      const error = yield* Effect.flip(getNode.pipe(provide))
      assert.strictEqual(error.reason._tag, "Retryable")
      assert.include(error.detail, `credential plugin ${folder}/plugin: ${want}`)
      assert.strictEqual(server.asked.length, 0)
    }).pipe(Effect.provide(NodeFileSystem.layer)))
})
