/** WebSockets at the server's end, taken from an upgrade request: messages with backpressure, or a plain byte stream. */
import * as NodeWS from "@effect/platform-node/NodeWS"
import { Cause, Effect, Option, Queue, Schema, type Scope } from "effect"
import { Buffer } from "node:buffer"
import type { IncomingMessage } from "node:http"
import type { Duplex } from "node:stream"

/** The WebSocket has ended. */
export class WebSocketClosed extends Schema.TaggedError<WebSocketClosed>()("WebSocketClosed", {
  why: Schema.String
}) {
  override get message(): string {
    return `WebSocket closed: ${this.why}`
  }
}

export interface UpgradeRequest {
  readonly request: IncomingMessage
  readonly socket: Duplex
  readonly head: Buffer
}

export interface MessageSocket {
  /** The subprotocol agreed on; empty when the client asked for none. */
  readonly protocol: string
  /** The next message; none at the end. */
  readonly read: Effect.Effect<Option.Option<Buffer>>
  /** Waits until the message is handed on. Text only for protocols that say so. */
  readonly write: (message: Uint8Array | string) => Effect.Effect<void, WebSocketClosed>
}

// What a client may send at once; `kubectl` sends 32 KiB.
const maxMessageBytes = 16 * 1024 * 1024
const holdBackAt = 16
const normalClosure = 1000
const farewellMs = 1000

/** The first of `protocols` that the client offers; undefined when it offers none of them. */
export const agreedProtocol = (request: IncomingMessage, protocols: ReadonlyArray<string>): string | undefined => {
  const offered = (request.headers["sec-websocket-protocol"] ?? "").split(",").map((name) => name.trim())
  return protocols.find((name) => offered.includes(name))
}

export const isWebSocket = (request: IncomingMessage): boolean => request.headers.upgrade?.toLowerCase() === "websocket"

const handshake = (
  { head, request, socket }: UpgradeRequest,
  protocol: string
): Effect.Effect<NodeWS.WebSocket, WebSocketClosed> =>
  Effect.callback<NodeWS.WebSocket, WebSocketClosed>((resume) => {
    const server = new NodeWS.WebSocketServer({
      noServer: true,
      clientTracking: false,
      maxPayload: maxMessageBytes,
      perMessageDeflate: false
    })
    // Agreed on already, and not by the server here: a name with a slash in it, as SPDY's, it takes for an attack.
    delete request.headers["sec-websocket-protocol"]
    if (protocol !== "") {
      server.on("headers", (headers) => headers.push(`Sec-WebSocket-Protocol: ${protocol}`))
    }
    const fail = () => resume(Effect.fail(new WebSocketClosed({ why: "the handshake failed" })))
    socket.once("close", fail)
    // A request that is no handshake is answered by the server itself.
    server.on("wsClientError", fail)
    server.handleUpgrade(request, socket, head, (webSocket) => {
      socket.off("close", fail)
      webSocket.on("error", () => webSocket.terminate())
      resume(Effect.succeed(webSocket))
    })
  })

/** Takes the WebSocket for the scope, with `protocol` as the one agreed on. */
export const acceptMessages = Effect.fnUntraced(function*(
  upgrade: UpgradeRequest,
  protocol: string
): Effect.fn.Return<MessageSocket, WebSocketClosed, Scope.Scope> {
  const webSocket = yield* Effect.acquireRelease(
    handshake(upgrade, protocol),
    (webSocket) => goodbye(webSocket)
  )
  const inbox = yield* Queue.unbounded<Buffer, WebSocketClosed>()
  let waiting = 0
  webSocket.on("message", (data: NodeWS.RawData) => {
    waiting += 1
    if (waiting >= holdBackAt) {
      webSocket.pause()
    }
    Queue.offerUnsafe(inbox, Array.isArray(data) ? Buffer.concat(data) : Buffer.from(data as ArrayBuffer))
  })
  webSocket.on("close", (code) => {
    Queue.failCauseUnsafe(inbox, Cause.fail(new WebSocketClosed({ why: `code ${code}` })))
  })
  return {
    protocol,
    read: Queue.take(inbox).pipe(
      Effect.tap(() =>
        Effect.sync(() => {
          waiting -= 1
          if (waiting < holdBackAt && webSocket.isPaused) {
            webSocket.resume()
          }
        })
      ),
      Effect.map(Option.some),
      Effect.catch(() => Effect.succeedNone)
    ),
    write: (message) =>
      Effect.callback<void, WebSocketClosed>((resume) => {
        webSocket.send(message, { binary: typeof message !== "string" }, (error) =>
          resume(error ? Effect.fail(new WebSocketClosed({ why: error.message })) : Effect.void))
      })
  }
})

// What was written last is on its way until the peer has answered.
const goodbye = (webSocket: NodeWS.WebSocket): Effect.Effect<void> =>
  Effect.callback<void>((resume) => {
    if (webSocket.readyState === webSocket.CLOSED) {
      return resume(Effect.void)
    }
    webSocket.once("close", () => resume(Effect.void))
    webSocket.resume()
    webSocket.close(normalClosure)
  }).pipe(Effect.timeoutOption(farewellMs), Effect.asVoid)

/** Takes the WebSocket as a stream of the bytes in its messages: a tunnel for another protocol. */
export const acceptTunnel = (upgrade: UpgradeRequest, protocol: string): Effect.Effect<Duplex, WebSocketClosed> =>
  Effect.map(handshake(upgrade, protocol), (webSocket) => {
    const tunnel = NodeWS.createWebSocketStream(webSocket)
    tunnel.on("error", () => tunnel.destroy())
    return tunnel
  })
