import { assert, describe, it } from "@effect/vitest"
import { Effect, Layer, Option } from "effect"
import { randomBytes } from "node:crypto"
import * as http from "node:http"
import type { AddressInfo, Socket } from "node:net"
import type { Duplex } from "node:stream"
import { NotFound } from "../../../src/domain/failure.ts"
import { GrpcCode } from "../../../src/layers/cri/Cri.ts"
import { CriError } from "../../../src/layers/cri/Cri.ts"
import { Access, Unauthenticated } from "../../../src/layers/streaming/Access.ts"
import { ask, closed, ended, model, pod, start, take, upgrade } from "./fixture.ts"

interface Runtime {
  readonly url: string
  /** The requests to upgrade that came. */
  readonly requests: Array<http.IncomingMessage>
  readonly sockets: Array<Duplex>
}

/** A runtime's streaming server: `onUpgrade` has the connection, `onRequest` refuses. */
const runtime = (onUpgrade: (socket: Duplex, head: Buffer) => void, refusal?: { status: number; body: string }) =>
  Effect.acquireRelease(
    Effect.callback<Runtime & { readonly server: http.Server }>((resume) => {
      const requests: Array<http.IncomingMessage> = []
      const sockets: Array<Duplex> = []
      const server = http.createServer()
      server.on("upgrade", (request: http.IncomingMessage, socket: Duplex, head: Buffer) => {
        requests.push(request)
        sockets.push(socket)
        socket.on("error", () => socket.destroy())
        if (refusal !== undefined) {
          socket.end(
            `HTTP/1.1 ${refusal.status} No\r\nX-From: runtime\r\nContent-Length: ${refusal.body.length}\r\n\r\n${refusal.body}`
          )
          return
        }
        socket.write(
          "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: SPDY/3.1\r\n"
            + "X-Stream-Protocol-Version: v4.channel.k8s.io\r\n\r\n"
        )
        onUpgrade(socket, head)
      })
      server.listen(0, "127.0.0.1", () => {
        const { port } = server.address() as AddressInfo
        resume(Effect.succeed({ url: `http://127.0.0.1:${port}/exec/token`, requests, sockets, server }))
      })
    }),
    ({ server, sockets }) =>
      Effect.sync(() => {
        sockets.forEach((socket) => socket.destroy())
        server.close()
      })
  )

const echo = (socket: Duplex) => void socket.pipe(socket)

const nodeWith = (url: string) =>
  start({
    model: model([pod("a"), { ...pod("t"), spec: { containers: [{ name: "c", tty: true }] } }]),
    cri: {
      exec: () => Effect.succeed({ $typeName: "runtime.v1.ExecResponse", url }),
      attach: () => Effect.succeed({ $typeName: "runtime.v1.AttachResponse", url }),
      portForward: () => Effect.succeed({ $typeName: "runtime.v1.PortForwardResponse", url })
    }
  })

const exec = "/exec/ns/a/c?command=sh&input=1&output=1"

describe("streams through the node's server", () => {
  it.live("O5: carries bytes both ways, unchanged, and the runtime's own answer", () =>
    Effect.gen(function*() {
      const { requests, url } = yield* runtime(echo)
      const { main } = yield* nodeWith(url)
      const { headers, socket, status } = yield* upgrade(main, exec, {
        authorization: "Bearer secret",
        "x-stream-protocol-version": "v4.channel.k8s.io"
      })
      assert.strictEqual(status, 101)
      assert.strictEqual(headers["x-stream-protocol-version"], "v4.channel.k8s.io")
      const data = randomBytes(300_000)
      socket.write(data)
      assert.isTrue(data.equals(yield* take(socket, data.length)))
      const passed = requests[0]
      assert.strictEqual(passed?.url, "/exec/token")
      assert.strictEqual(passed?.method, "POST")
      assert.strictEqual(passed?.headers.upgrade, "SPDY/3.1")
      assert.isUndefined(passed?.headers.authorization, "the client's token is not the runtime's business")
    }))

  it.live("passes a WebSocket handshake on, without the token in it", () =>
    Effect.gen(function*() {
      const { requests, url } = yield* runtime(echo)
      const { main } = yield* nodeWith(url)
      const protocols = "v4.channel.k8s.io, base64url.bearer.authorization.k8s.io.YWJj"
      const headers = {
        upgrade: "websocket",
        "sec-websocket-key": "x3JJHMbDL1EzLkh9GBhXDw==",
        "sec-websocket-version": "13",
        "sec-websocket-protocol": protocols
      }
      yield* upgrade(main, exec, headers, "GET")
      assert.strictEqual(requests[0]?.headers["sec-websocket-protocol"], "v4.channel.k8s.io")
      assert.strictEqual(requests[0]?.headers["sec-websocket-key"], "x3JJHMbDL1EzLkh9GBhXDw==")
    }))

  it.live("what the runtime says right after its 101 is not lost", () =>
    Effect.gen(function*() {
      const { url } = yield* runtime((socket) => void socket.write("hello"))
      const { main } = yield* nodeWith(url)
      const { socket } = yield* upgrade(main, exec)
      assert.strictEqual((yield* take(socket, 5)).toString(), "hello")
    }))

  it.live.each([400, 403, 404, 500])(
    "O5: a refusal of the runtime (%i) is the client's answer",
    (status) =>
      Effect.gen(function*() {
        const { url } = yield* runtime(echo, { status, body: "because" })
        const { main } = yield* nodeWith(url)
        const reply = yield* Effect.flip(upgrade(main, exec))
        assert.deepStrictEqual([reply.status, reply.body, reply.headers["x-from"]], [status, "because", "runtime"])
        assert.strictEqual(reply.headers.connection, "close")
      })
  )

  it.live("the end of what the client sends leaves it the rest of the output", () =>
    Effect.gen(function*() {
      const { url } = yield* runtime((socket) => {
        socket.resume()
        socket.on("end", () => socket.end("the rest"))
      })
      const { main } = yield* nodeWith(url)
      const { socket } = yield* upgrade(main, exec)
      socket.end("input")
      assert.strictEqual((yield* take(socket, 8)).toString(), "the rest")
      yield* closed(socket)
    }))

  it.live("when the client is gone the runtime's connection is closed", () =>
    Effect.gen(function*() {
      const { sockets, url } = yield* runtime((socket) => void socket.resume())
      const { main } = yield* nodeWith(url)
      const { socket } = yield* upgrade(main, exec)
      socket.resetAndDestroy()
      yield* ended(sockets[0] as Socket)
    }))

  it.live("when the runtime is gone the client's connection is closed", () =>
    Effect.gen(function*() {
      const { sockets, url } = yield* runtime((socket) => void socket.resume())
      const { main } = yield* nodeWith(url)
      const { socket } = yield* upgrade(main, exec)
      ;(sockets[0] as Socket).resetAndDestroy()
      yield* closed(socket)
    }))

  it.live("a client that stops reading stops the writer, and memory stays flat", () =>
    Effect.gen(function*() {
      const block = Buffer.alloc(64 * 1024, "x")
      let accepted = 0
      let stalled = () => {}
      const stall = new Promise<void>((resolve) => {
        stalled = resolve
      })
      const { url } = yield* runtime((socket) => {
        let idle: NodeJS.Timeout
        const write = () => {
          clearTimeout(idle)
          while (socket.write(block)) {
            accepted += block.length
          }
          accepted += block.length
          // The writer is stopped when no room comes for a while.
          idle = setTimeout(() => stalled(), 300)
        }
        socket.on("drain", write)
        socket.on("close", () => clearTimeout(idle))
        write()
      })
      const { main } = yield* nodeWith(url)
      const { socket } = yield* upgrade(main, exec)
      socket.pause()
      yield* Effect.promise(() => stall)
      // Kernel buffers of two connections and a few stream buffers, not what the writer would have sent.
      assert.isBelow(accepted, 24 * 1024 * 1024)
      const before = accepted
      yield* take(socket, 8 * 1024 * 1024)
      assert.isAbove(accepted, before, "it goes on once the client reads")
    }))

  it.live("fifty streams at once do not mix", () =>
    Effect.gen(function*() {
      const { url } = yield* runtime(echo)
      const { main } = yield* nodeWith(url)
      const one = Effect.gen(function*() {
        const { socket } = yield* upgrade(main, exec)
        const data = randomBytes(20_000)
        socket.write(data)
        assert.isTrue(data.equals(yield* take(socket, data.length)))
      })
      yield* Effect.all(Array.from({ length: 50 }, () => one), { concurrency: "unbounded", discard: true })
    }))

  it.live("the end of the server ends its streams", () =>
    Effect.gen(function*() {
      const { url } = yield* runtime(echo)
      const socket = yield* Effect.scoped(Effect.gen(function*() {
        const { main } = yield* nodeWith(url)
        const { socket } = yield* Effect.provide(upgrade(main, exec), Layer.empty)
        socket.write("x")
        yield* take(socket, 1)
        return socket
      }))
      yield* closed(socket)
    }))

  it.live.each([
    { path: "/exec/ns/none/c?command=sh&output=1", want: [404, "pod does not exist"] },
    { path: "/exec/ns/a/none?command=sh&output=1", want: [500, `container not found ("none")`] },
    { path: "/exec/ns/a/other-uid/c?command=sh&output=1", want: [404, "pod does not exist"] },
    { path: "/exec/ns/a/c?command=sh", want: [400, "you must specify at least 1 of stdin, stdout, stderr"] },
    { path: "/attach/ns/t/c?error=1", want: [400, "you must specify at least 1 of stdin, stdout, stderr"] },
    { path: "/portForward/ns/none", want: [404, "pod does not exist"] },
    { path: "/portForward/ns/a/other-uid", want: [404, "pod not found"] },
    { path: "/exec/ns/a", want: [404, "404: Page Not Found"] }
  ])("O5: $path is refused", ({ path, want }) =>
    Effect.gen(function*() {
      const { main } = yield* nodeWith("http://127.0.0.1:1/")
      const reply = yield* Effect.flip(upgrade(main, path))
      assert.deepStrictEqual([reply.status, reply.body], want)
    }))

  it.live.each([
    { query: "", want: `query parameter "port" is required` },
    { query: "?port=", want: `query parameter "port" cannot be empty` },
    { query: "?port=x", want: `unable to parse "x" as a port` },
    { query: "?port=70000", want: `unable to parse "70000" as a port` },
    { query: "?port=80,0", want: `port "80,0" must be > 0` }
  ])("O5: port-forward over a WebSocket with $query is refused", ({ query, want }) =>
    Effect.gen(function*() {
      const { main } = yield* nodeWith("http://127.0.0.1:1/")
      const reply = yield* Effect.flip(upgrade(main, `/portForward/ns/a${query}`, { upgrade: "websocket" }, "GET"))
      assert.deepStrictEqual([reply.status, reply.body], [400, want])
    }))

  it.live("O5: an error of the runtime's call keeps its meaning", () =>
    Effect.gen(function*() {
      const failing = (code: number) => () =>
        Effect.fail(new CriError({ op: "Exec", target: "c", reason: new NotFound(), code, detail: "why", cause: "" }))
      for (
        const [code, status] of [[GrpcCode.NotFound, 404], [GrpcCode.ResourceExhausted, 429], [GrpcCode.Unknown, 500]]
      ) {
        const { main } = yield* start({ model: model([pod("a")]), cri: { exec: failing(code ?? 0) } })
        const reply = yield* Effect.flip(upgrade(main, exec))
        assert.deepStrictEqual([reply.status, reply.body], [status, "why"])
      }
    }))

  it.live("a runtime that does not answer is a bad gateway", () =>
    Effect.gen(function*() {
      const { main } = yield* nodeWith("http://127.0.0.1:1/")
      assert.strictEqual((yield* Effect.flip(upgrade(main, exec))).status, 502)
    }))

  it.live("a body on an upgrade request is refused: its bytes would become the stream's", () =>
    Effect.gen(function*() {
      const { url } = yield* runtime(echo)
      const { main } = yield* nodeWith(url)
      assert.strictEqual((yield* Effect.flip(upgrade(main, exec, { "content-length": "5" }))).status, 400)
    }))

  it.live("O3: an upgrade passes the same gate as any request", () =>
    Effect.gen(function*() {
      const access = Layer.succeed(Access)(Access.of({
        authenticate: ({ token }) =>
          Option.isSome(token)
            ? Effect.succeed({ name: "u", groups: [] })
            : Effect.fail(new Unauthenticated({ why: "none" })),
        authorize: () => Effect.succeed(false)
      }))
      const { main } = yield* start({ model: model([pod("a")]), access })
      const nobody = yield* Effect.flip(upgrade(main, exec))
      assert.deepStrictEqual([nobody.status, nobody.body], [401, "Unauthorized"])
      const somebody = yield* Effect.flip(upgrade(main, exec, { authorization: "Bearer x" }))
      assert.deepStrictEqual(
        [somebody.status, somebody.body],
        [403, "Forbidden (user=u, verb=create, resource=nodes, subresource(s)=[proxy])\n"]
      )
    }))

  it.live("an upgrade header on any other path means nothing", () =>
    Effect.gen(function*() {
      const { main } = yield* start({ model: model([]) })
      const reply = yield* ask(main, "/pods", { headers: { connection: "Upgrade", upgrade: "h2c" } })
      assert.strictEqual(reply.status, 200)
    }))
})
