/** Logs, shells and ports: what the API server hands on to a node, and back, over real connections. */
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { createServer, type IncomingMessage, request as httpRequest } from "node:http"
import { createServer as createTlsServer } from "node:https"
import type { Duplex } from "node:stream"
import * as Resources from "../../../src/domain/k8s/resources.ts"
import { serve } from "../../../src/layers/api/memory/ApiServerHttp.ts"
import * as MemoryApi from "../../../src/layers/api/memory/MemoryApi.ts"
import { kindOf, loopback } from "../../../src/layers/api/memory/state.ts"

interface Heard {
  readonly url: string
  readonly authorization: string | undefined
}

/** A node that writes a log slowly, refuses some, and turns an upgraded connection into an echo. */
const startNode = Effect.fnUntraced(function*(scheme: "http" | "https") {
  const heard: Array<Heard> = []
  const note = (request: IncomingMessage) =>
    heard.push({ url: request.url ?? "", authorization: request.headers.authorization })
  const authority = yield* MemoryApi.make().pipe(Effect.flatMap(({ authority }) => authority))
  const own = yield* authority.serve(["127.0.0.1"])
  const server = scheme === "http" ? createServer() : createTlsServer({ cert: own.certificate, key: own.key })
  server.on("request", (request, response) => {
    note(request)
    if (request.url?.includes("starting") === true) {
      response.writeHead(400).end(`container "c" in pod "starting" is waiting to start: ContainerCreating`)
      return
    }
    response.writeHead(200, { "content-type": "text/plain" })
    response.write("first\n")
    setImmediate(() => response.end("second\n"))
  })
  server.on("upgrade", (request: IncomingMessage, socket: Duplex, head: Buffer) => {
    note(request)
    socket.write(
      `HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: ${request.headers.upgrade}\r\n\r\n`
    )
    if (head.length > 0) socket.write(head)
    socket.pipe(socket)
  })
  yield* Effect.callback<void>((resume) => {
    server.listen(0, "127.0.0.1", () => resume(Effect.void))
  })
  yield* Effect.addFinalizer(() =>
    Effect.sync(() => {
      server.closeAllConnections()
      server.close()
    })
  )
  const address = server.address()
  return { heard, port: typeof address === "object" && address !== null ? address.port : 0 }
})

const world = Effect.fnUntraced(function*(scheme: "http" | "https" = "http", token?: string) {
  const node = yield* startNode(scheme)
  const api = yield* MemoryApi.make({ tokens: { secret: { username: "u", groups: [] } } })
  const serving = yield* serve(api, { nodes: { scheme, ...(token === undefined ? {} : { token }) } })
  const create = (resource: typeof Resources.pods, namespace: string, object: Record<string, unknown>) =>
    api.rest.create({ kind: kindOf(api.state, resource), namespace, object, options: { user: loopback } })
  yield* create(Resources.nodes, "", {
    metadata: { name: "n" },
    status: {
      addresses: [{ type: "InternalIP", address: "127.0.0.1" }],
      daemonEndpoints: { kubeletEndpoint: { Port: node.port } }
    }
  })
  for (const name of ["a", "starting"]) {
    const spec = { nodeName: "n", containers: [{ name: "c", image: "x" }] }
    yield* create(Resources.pods, "default", { metadata: { name }, spec })
  }
  return { node, serving }
})

const authorized = { authorization: "Bearer secret" }

const fetched = (url: string, headers: Record<string, string> = authorized) =>
  Effect.tryPromise(async () => {
    const answer = await fetch(url, { headers })
    return { status: answer.status, text: await answer.text() }
  })

/** Upgrades, says something, and hears it back. */
const echoed = (url: string, said: string, headers: Record<string, string> = authorized) =>
  Effect.callback<string, Error>((resume) => {
    const request = httpRequest(url, {
      method: "POST",
      headers: {
        ...headers,
        connection: "Upgrade",
        upgrade: "SPDY/3.1",
        "x-stream-protocol-version": "v4.channel.k8s.io"
      }
    })
    request.on("upgrade", (_, socket) => {
      let heard = ""
      socket.on("data", (chunk: Buffer) => {
        heard += chunk.toString("latin1")
        if (heard.length < said.length) return
        socket.destroy()
        resume(Effect.succeed(heard))
      })
      socket.write(said, "latin1")
    })
    request.on("response", (answer) => resume(Effect.succeed(`refused with ${answer.statusCode}`)))
    request.on("error", (cause) => resume(Effect.fail(cause)))
    request.end()
    return Effect.sync(() => request.destroy())
  }).pipe(Effect.timeout("10 seconds"))

const pods = "/api/v1/namespaces/default/pods"

describe("requests for nodes", () => {
  it.live.each(["http", "https"] as const)(
    "O4: a log is handed on as the node writes it, over %s",
    (scheme) =>
      Effect.gen(function*() {
        const { node, serving } = yield* world(scheme, "node-token")
        const { status, text } = yield* fetched(`${serving.url}${pods}/a/log?tailLines=5`)
        assert.deepStrictEqual({ status, text }, { status: 200, text: "first\nsecond\n" })
        assert.deepStrictEqual(node.heard, [
          { url: "/containerLogs/default/a/c?tailLines=5", authorization: "Bearer node-token" }
        ])
      })
  )

  it.live("what the node refuses is a Status with its words", () =>
    Effect.gen(function*() {
      const { serving } = yield* world()
      const { status, text } = yield* fetched(`${serving.url}${pods}/starting/log`)
      assert.strictEqual(status, 400)
      const body: unknown = JSON.parse(text)
      assert.deepInclude(body, {
        kind: "Status",
        reason: "BadRequest",
        message: `container "c" in pod "starting" is waiting to start: ContainerCreating`
      })
    }))

  it.live.each(["http", "https"] as const)(
    "O5: an upgraded connection goes through byte for byte, over %s",
    (scheme) =>
      Effect.gen(function*() {
        const { node, serving } = yield* world(scheme)
        const said = Array.from({ length: 256 }, (_, i) => String.fromCharCode(i)).join("").repeat(4000)
        const heard = yield* echoed(`${serving.url}${pods}/a/exec?command=sh&stdin=true&stdout=true`, said)
        assert.isTrue(heard === said, `${heard.length} of ${said.length} bytes came back`)
        assert.strictEqual(node.heard[0]?.url, "/exec/default/a/c?input=1&output=1&command=sh")
        // The client's token is for the API server alone.
        assert.isUndefined(node.heard[0]?.authorization)
      })
  )

  it.live("a path of the node is reached through the proxy, with its own status and type", () =>
    Effect.gen(function*() {
      const { node, serving } = yield* world()
      const { text } = yield* fetched(`${serving.url}/api/v1/nodes/n/proxy/stats/summary?only_cpu_and_memory=true`)
      assert.strictEqual(text, "first\nsecond\n")
      assert.strictEqual(node.heard[0]?.url, "/stats/summary?only_cpu_and_memory=true")
    }))

  it.live("who is not known is turned away before any node is asked", () =>
    Effect.gen(function*() {
      const { node, serving } = yield* world()
      assert.strictEqual((yield* fetched(`${serving.url}${pods}/a/log`, {})).status, 401)
      assert.strictEqual(yield* echoed(`${serving.url}${pods}/a/exec?command=sh`, "x", {}), "refused with 401")
      assert.strictEqual(yield* echoed(`${serving.url}${pods}/none/exec?command=sh`, "x"), "refused with 404")
      assert.deepStrictEqual(node.heard, [])
    }))
})
