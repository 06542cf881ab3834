/**
 * The streaming server of a runtime: gives out URLs that are good for one stream, and serves them on loopback, where the
 * kubelet passes its clients on to. SPDY/3.1 and WebSockets, as `kubectl` speaks them.
 */
import { Clock, Effect, Fiber, Schema } from "effect"
import type { Buffer } from "node:buffer"
import { randomBytes } from "node:crypto"
import * as http from "node:http"
import type { Duplex } from "node:stream"
import { shellProtocols } from "../../channels/ChannelSocket.ts"
import { acceptTunnel, agreedProtocol, isWebSocket, type UpgradeRequest } from "../../channels/WebSocketUpgrade.ts"
import { forwardSpdy, forwardWebSocket, type ServePort } from "./forward.ts"
import { spdySession, webSocketSession } from "./sessions.ts"
import type { ShellSession, StreamsWanted } from "./ShellSession.ts"

/** The server could not listen. */
export class StreamServerError extends Schema.TaggedError<StreamServerError>()("StreamServerError", {
  cause: Schema.Defect()
}) {
  override get message(): string {
    return "the runtime's streaming server could not listen on loopback"
  }
}

export type StreamPlan =
  | {
    readonly _tag: "Shell"
    readonly kind: "exec" | "attach"
    readonly streams: StreamsWanted
    readonly serve: (session: ShellSession) => Effect.Effect<void>
  }
  | { readonly _tag: "Ports"; readonly ports: ReadonlyArray<number>; readonly serve: ServePort }

export interface StreamServer {
  /** A URL under which the stream can be had once, within a minute. */
  readonly offer: (plan: StreamPlan) => Effect.Effect<string>
}

const offerLifeMs = 60_000
const farewellMs = 1000
const spdyShell = "v4.channel.k8s.io"
const spdyForward = "portforward.k8s.io"
const tunnelled = `SPDY/3.1+${spdyForward}`
const forwardProtocols = ["v4.channel.k8s.io", "v4.base64.channel.k8s.io"]

/** Listens on a free port of loopback for as long as the scope. */
export const make = Effect.gen(function*() {
  const scope = yield* Effect.scope
  const offers = new Map<string, { readonly plan: StreamPlan; readonly untilMs: number }>()
  const context = yield* Effect.context<never>()
  const server = http.createServer((_, response) => response.writeHead(400).end("Upgrade request required"))
  const take = (url: string): StreamPlan | undefined => {
    const token = new URL(url, "http://localhost").pathname.split("/")[2] ?? ""
    const offer = offers.get(token)
    offers.delete(token)
    return offer?.plan
  }
  server.on("upgrade", (request: http.IncomingMessage, socket: Duplex, head: Buffer) => {
    socket.on("error", () => socket.destroy())
    const plan = take(request.url ?? "")
    if (plan === undefined) {
      socket.end("HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
      return
    }
    Fiber.runIn(Effect.runForkWith(context)(serve({ request, socket, head }, plan)), scope)
  })
  const port = yield* Effect.acquireRelease(listen(server), () =>
    Effect.sync(() => {
      server.close()
      server.closeAllConnections()
    }))
  const offer = Effect.fn("StreamServer.offer")(function*(plan: StreamPlan) {
    const now = yield* Clock.currentTimeMillis
    for (const [token, { untilMs }] of offers) {
      if (untilMs < now) {
        offers.delete(token)
      }
    }
    const token = randomBytes(9).toString("base64url")
    offers.set(token, { plan, untilMs: now + offerLifeMs })
    return `http://127.0.0.1:${port}/${plan._tag === "Shell" ? plan.kind : "portforward"}/${token}`
  })
  const service: StreamServer = { offer }
  return service
})

const listen = (server: http.Server): Effect.Effect<number, StreamServerError> =>
  Effect.callback<number, StreamServerError>((resume) => {
    server.once("error", (cause) => resume(Effect.fail(new StreamServerError({ cause }))))
    server.listen(0, "127.0.0.1", () => {
      const address = server.address()
      resume(Effect.succeed(typeof address === "object" && address !== null ? address.port : 0))
    })
  })

const serve = (upgrade: UpgradeRequest, plan: StreamPlan): Effect.Effect<void> =>
  (plan._tag === "Shell" ? serveShell(upgrade, plan) : servePorts(upgrade, plan)).pipe(
    Effect.scoped,
    Effect.raceFirst(closed(upgrade.socket)),
    Effect.catch((error) => Effect.logDebug("A stream of the simulated runtime ended", error)),
    Effect.ensuring(farewell(upgrade.socket))
  )

// What was written last is to arrive: closing at once could reset the connection before.
const farewell = (socket: Duplex): Effect.Effect<void> =>
  Effect.sync(() => {
    socket.end()
    socket.resume()
  }).pipe(
    Effect.andThen(closed(socket)),
    Effect.timeoutOption(farewellMs),
    Effect.andThen(Effect.sync(() => socket.destroy()))
  )

const closed = (socket: Duplex): Effect.Effect<void> =>
  Effect.callback<void>((resume) => {
    socket.once("close", () => resume(Effect.void))
    if (socket.closed) {
      resume(Effect.void)
    }
  })

const serveShell = Effect.fnUntraced(function*(
  upgrade: UpgradeRequest,
  { serve, streams }: Extract<StreamPlan, { _tag: "Shell" }>
) {
  const { request, socket } = upgrade
  if (isWebSocket(request)) {
    const protocol = agreedProtocol(request, shellProtocols)
    if (protocol === undefined && request.headers["sec-websocket-protocol"] !== undefined) {
      return yield* refuse(socket)
    }
    return yield* Effect.flatMap(webSocketSession(upgrade, protocol ?? "", streams), serve)
  }
  yield* switchToSpdy(upgrade, spdyShell)
  yield* Effect.flatMap(spdySession(socket, streams), serve)
})

const servePorts = Effect.fnUntraced(function*(
  upgrade: UpgradeRequest,
  { ports, serve }: Extract<StreamPlan, { _tag: "Ports" }>
) {
  const { request, socket } = upgrade
  if (!isWebSocket(request)) {
    yield* switchToSpdy(upgrade, spdyForward)
    return yield* forwardSpdy(socket, serve)
  }
  const protocol = agreedProtocol(request, [tunnelled, ...forwardProtocols])
  if (protocol === undefined) {
    return yield* refuse(socket)
  }
  return yield* protocol === tunnelled
    ? Effect.flatMap(acceptTunnel(upgrade, protocol), (tunnel) => forwardSpdy(tunnel, serve))
    : forwardWebSocket(upgrade, protocol, ports, serve)
})

const refuse = (socket: Duplex): Effect.Effect<void> =>
  Effect.sync(() => {
    socket.end("HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
  })

const switchToSpdy = ({ head, socket }: UpgradeRequest, protocol: string): Effect.Effect<void> =>
  Effect.sync(() => {
    socket.write(
      "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: SPDY/3.1\r\n"
        + `X-Stream-Protocol-Version: ${protocol}\r\n\r\n`
    )
    if (head.length > 0) {
      socket.unshift(head)
    }
  })
