/** Connections to ports of a sandbox: over SPDY a pair of streams each, over a WebSocket a pair of channels each. */
import { Effect, Option, Queue, type Scope } from "effect"
import { Buffer } from "node:buffer"
import type { Duplex } from "node:stream"
import * as ChannelSocket from "../../channels/ChannelSocket.ts"
import { acceptMessages, type UpgradeRequest, type WebSocketClosed } from "../../channels/WebSocketUpgrade.ts"
import * as SpdyConnection from "../../spdy/SpdyConnection.ts"

/** One connection, at the end of the pod. */
export interface PortConnection {
  readonly read: Effect.Effect<Option.Option<Uint8Array>>
  readonly write: (bytes: Uint8Array) => Effect.Effect<void>
}

/** Serves a connection to its end; gives what the client is to be told when that failed. */
export type ServePort = (port: number, connection: PortConnection) => Effect.Effect<Option.Option<string>>

/** Until the client closes the connection. */
export const forwardSpdy = Effect.fnUntraced(function*(
  socket: Duplex,
  serve: ServePort
): Effect.fn.Return<void, never, Scope.Scope> {
  const connection = yield* SpdyConnection.make(socket, "server")
  const waiting = new Map<string, SpdyConnection.SpdyStream>()
  yield* Effect.gen(function*() {
    const stream = yield* connection.accept
    const id = stream.headers.get("requestid") ?? stream.headers.get("port") ?? ""
    if (stream.headers.get("streamtype") === "error") {
      waiting.set(id, stream)
      return
    }
    const error = waiting.get(id)
    waiting.delete(id)
    yield* Effect.forkScoped(
      serve(Number(stream.headers.get("port")), {
        read: stream.read,
        write: (bytes) => Effect.ignore(stream.write(bytes))
      }).pipe(
        Effect.tap(Option.match({
          onNone: () => Effect.void,
          onSome: (message) => error === undefined ? Effect.void : Effect.ignore(error.write(Buffer.from(message)))
        })),
        Effect.ensuring(Effect.andThen(stream.end, error?.end ?? Effect.void))
      )
    )
  }).pipe(Effect.forever, Effect.ignore)
})

/** The ports are named in the URL; each has two channels, for data and for errors, that begin with its number. */
export const forwardWebSocket = Effect.fnUntraced(function*(
  upgrade: UpgradeRequest,
  protocol: string,
  ports: ReadonlyArray<number>,
  serve: ServePort
): Effect.fn.Return<void, WebSocketClosed, Scope.Scope> {
  const socket = ChannelSocket.make(yield* acceptMessages(upgrade, protocol))
  const inboxes = yield* Effect.forEach(ports, (port, index) =>
    Effect.gen(function*() {
      const number = Buffer.alloc(2)
      number.writeUInt16LE(port)
      yield* socket.write(index * 2, number)
      yield* socket.write(index * 2 + 1, number)
      const inbox = yield* Queue.bounded<Uint8Array>(16)
      yield* Effect.forkScoped(
        serve(port, {
          read: Effect.map(Queue.take(inbox), Option.some),
          write: (bytes) => Effect.ignore(socket.write(index * 2, bytes))
        }).pipe(Effect.flatMap(Option.match({
          onNone: () => Effect.void,
          onSome: (message) => Effect.ignore(socket.write(index * 2 + 1, Buffer.from(message)))
        })))
      )
      return inbox
    }))
  for (let message = yield* socket.read; Option.isSome(message); message = yield* socket.read) {
    const { bytes, channel } = message.value
    const inbox = inboxes[channel / 2]
    if (inbox !== undefined) {
      yield* Queue.offer(inbox, bytes)
    }
  }
})
