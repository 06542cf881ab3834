import { assert, describe, it } from "@effect/vitest"
import { Effect, Option } from "effect"
import { randomBytes } from "node:crypto"
import * as http from "node:http"
import type { AddressInfo } from "node:net"
import type { Duplex } from "node:stream"
import * as SpdyConnection from "../../../src/layers/spdy/SpdyConnection.ts"
import { model, pod, start } from "./fixture.ts"
import { forward, readAll } from "./spdyClient.ts"
import { collect, connect, tunnel } from "./webSocketClient.ts"

/** A runtime that speaks SPDY only: a shell whose output is its input, or ports that echo. */
const runtime = (serve: (connection: SpdyConnection.SpdyConnection) => Effect.Effect<void, unknown>) =>
  Effect.gen(function*() {
    const seen: Array<http.IncomingHttpHeaders> = []
    const context = yield* Effect.context<never>()
    const server = yield* Effect.acquireRelease(
      Effect.callback<http.Server>((resume) => {
        const server = http.createServer()
        server.on("upgrade", (request: http.IncomingMessage, socket: Duplex) => {
          seen.push(request.headers)
          socket.on("error", () => socket.destroy())
          socket.write("HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: SPDY/3.1\r\n\r\n")
          Effect.runForkWith(context)(
            Effect.scoped(Effect.flatMap(SpdyConnection.make(socket, "server"), serve)).pipe(Effect.ignore)
          )
        })
        server.listen(0, "127.0.0.1", () => resume(Effect.succeed(server)))
      }),
      (server) => Effect.sync(() => server.close())
    )
    return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/token`, seen }
  })

const shell = (connection: SpdyConnection.SpdyConnection) =>
  Effect.gen(function*() {
    const streams = new Map<string, SpdyConnection.SpdyStream>()
    while (streams.size < 4) {
      const stream = yield* connection.accept
      streams.set(stream.headers.get("streamtype") ?? "", stream)
    }
    const get = (name: string) => streams.get(name) as SpdyConnection.SpdyStream
    yield* get("stderr").write(Buffer.from("warned"))
    yield* get("stderr").end
    for (let part = yield* get("stdin").read; Option.isSome(part); part = yield* get("stdin").read) {
      yield* get("stdout").write(part.value)
    }
    yield* get("stdout").end
    yield* get("error").write(Buffer.from(`{"status":"Success"}`))
    yield* get("error").end
    yield* connection.closed
  })

const echo = (connection: SpdyConnection.SpdyConnection) =>
  Effect.forever(Effect.gen(function*() {
    const stream = yield* connection.accept
    if (stream.headers.get("streamtype") === "data") {
      yield* Effect.forkChild(Effect.gen(function*() {
        for (let part = yield* stream.read; Option.isSome(part); part = yield* stream.read) {
          yield* stream.write(part.value)
        }
        yield* stream.end
      }))
    }
  }))

const nodeWith = (url: string) =>
  start({
    model: model([pod("a")]),
    cri: {
      exec: () => Effect.succeed({ $typeName: "runtime.v1.ExecResponse", url }),
      portForward: () => Effect.succeed({ $typeName: "runtime.v1.PortForwardResponse", url })
    }
  })

const exec = "/exec/ns/a/c?command=sh&input=1&output=1&error=1"

describe("WebSocket protocols that runtimes do not speak", () => {
  it.live("O5: v5 channels become SPDY streams, and the end of stdin reaches the process", () =>
    Effect.gen(function*() {
      const { seen, url } = yield* runtime(shell)
      const { main } = yield* nodeWith(url)
      const socket = yield* connect(main, exec, ["v5.channel.k8s.io", "v4.channel.k8s.io"])
      assert.strictEqual(socket.protocol, "v5.channel.k8s.io")
      const data = randomBytes(500_000)
      for (let at = 0; at < data.length; at += 30_000) {
        socket.send(Buffer.concat([Buffer.from([0]), data.subarray(at, at + 30_000)]))
      }
      socket.send(Buffer.from([255, 0]))
      const channels = yield* collect(socket)
      assert.isTrue(channels.get(1)?.equals(data))
      assert.strictEqual(channels.get(2)?.toString(), "warned")
      assert.strictEqual(channels.get(3)?.toString(), `{"status":"Success"}`)
      assert.strictEqual(seen[0]?.upgrade, "SPDY/3.1")
      assert.strictEqual(seen[0]?.["x-stream-protocol-version"], "v4.channel.k8s.io")
    }))

  it.live("O5: SPDY inside a WebSocket is unwrapped for port-forward", () =>
    Effect.gen(function*() {
      const { seen, url } = yield* runtime(echo)
      const { main } = yield* nodeWith(url)
      const { bytes, protocol } = yield* tunnel(main, "/portForward/ns/a")
      assert.strictEqual(protocol, "SPDY/3.1+portforward.k8s.io")
      const connection = yield* SpdyConnection.make(bytes, "client")
      yield* Effect.forEach([1, 2, 3], (id) =>
        Effect.gen(function*() {
          const { data } = yield* forward(connection, 80, id)
          const bytes = randomBytes(200_000)
          const [back] = yield* Effect.all([readAll(data), Effect.andThen(data.write(bytes), data.end)], {
            concurrency: "unbounded"
          })
          assert.isTrue(back.equals(bytes))
        }), { concurrency: "unbounded" })
      assert.strictEqual(seen[0]?.["x-stream-protocol-version"], "portforward.k8s.io")
    }))

  it.live("a client that leaves ends the runtime's stream", () =>
    Effect.gen(function*() {
      let ended = false
      const { url } = yield* runtime((connection) => Effect.andThen(connection.closed, Effect.sync(() => ended = true)))
      const { main } = yield* nodeWith(url)
      const socket = yield* connect(main, exec, ["v5.channel.k8s.io"])
      socket.terminate()
      while (!ended) {
        yield* Effect.sleep(5)
      }
    }))

  it.live("v4 goes to the runtime as it is", () =>
    Effect.gen(function*() {
      const { seen, url } = yield* runtime(() => Effect.void)
      const { main } = yield* nodeWith(url)
      yield* Effect.flip(connect(main, exec, ["v4.channel.k8s.io"]))
      assert.strictEqual(seen[0]?.upgrade, "websocket")
    }))
})
