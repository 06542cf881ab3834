/** Sessions of `exec` and `attach` over the protocols that clients of a runtime speak: SPDY and WebSocket channels. */
import { Effect, Option, Schema, type Scope } from "effect"
import type { Duplex } from "node:stream"
import * as ChannelSocket from "../../channels/ChannelSocket.ts"
import { acceptMessages, type UpgradeRequest, type WebSocketClosed } from "../../channels/WebSocketUpgrade.ts"
import * as SpdyConnection from "../../spdy/SpdyConnection.ts"
import type { ShellSession, StreamsWanted } from "./ShellSession.ts"

/** The client did not open the streams it had announced. */
export class MissingStreams extends Schema.TaggedError<MissingStreams>()("MissingStreams", {
  wanted: Schema.Array(Schema.String)
}) {
  override get message(): string {
    return `the client did not open all of ${this.wanted.join(", ")}`
  }
}

const openDeadline = "30 seconds"

type Streams = ReadonlyMap<string, SpdyConnection.SpdyStream>

/** Over a connection that has switched to SPDY/3.1. */
export const spdySession = Effect.fnUntraced(function*(
  socket: Duplex,
  { stderr, stdin, stdout, tty }: StreamsWanted
): Effect.fn.Return<ShellSession, MissingStreams | SpdyConnection.SpdyClosed, Scope.Scope> {
  const wanted = [
    "error",
    ...(stdin ? ["stdin"] : []),
    ...(stdout ? ["stdout"] : []),
    ...(stderr && !tty ? ["stderr"] : [])
  ]
  const connection = yield* SpdyConnection.make(socket, "server")
  const streams = yield* acceptStreams(connection, wanted).pipe(
    Effect.timeoutOrElse({ duration: openDeadline, orElse: () => Effect.fail(new MissingStreams({ wanted })) })
  )
  // A terminal's sizes come on a stream of their own, which has to be read lest it stop the others.
  yield* Effect.forkScoped(Effect.ignore(Effect.forever(Effect.flatMap(connection.accept, drain))))
  const write = (name: string) => (bytes: Uint8Array) =>
    Effect.suspend(() => {
      const stream = streams.get(name)
      return stream === undefined || bytes.length === 0 ? Effect.void : Effect.ignore(stream.write(bytes))
    })
  const end = Effect.forEach(streams.values(), (stream) => stream.end, { discard: true })
  return {
    stdin: Effect.suspend(() => streams.get("stdin")?.read ?? Effect.succeedNone),
    stdout: write("stdout"),
    stderr: write("stderr"),
    finish: (status) => Effect.andThen(write("error")(new TextEncoder().encode(status)), end)
  }
})

const acceptStreams = Effect.fnUntraced(function*(
  connection: SpdyConnection.SpdyConnection,
  wanted: ReadonlyArray<string>
): Effect.fn.Return<Streams, SpdyConnection.SpdyClosed, Scope.Scope> {
  const streams = new Map<string, SpdyConnection.SpdyStream>()
  while (!wanted.every((name) => streams.has(name))) {
    const stream = yield* connection.accept
    const name = stream.headers.get("streamtype") ?? ""
    if (wanted.includes(name)) {
      streams.set(name, stream)
    } else {
      yield* Effect.forkScoped(drain(stream))
    }
  }
  return streams
})

const drain = (stream: SpdyConnection.SpdyStream): Effect.Effect<void> =>
  Effect.asVoid(Effect.repeat(stream.read, { while: Option.isSome }))

/** Over a request for a WebSocket. */
export const webSocketSession = Effect.fnUntraced(function*(
  upgrade: UpgradeRequest,
  protocol: string,
  { stderr, stdin, stdout, tty }: StreamsWanted
): Effect.fn.Return<ShellSession, WebSocketClosed, Scope.Scope> {
  const socket = ChannelSocket.make(yield* acceptMessages(upgrade, protocol))
  const { channel } = ChannelSocket
  const write = (to: number, wanted: boolean) => (bytes: Uint8Array) =>
    wanted && bytes.length > 0 ? Effect.ignore(socket.write(to, bytes)) : Effect.void
  // The first message tells clients of the older protocols that the stream is open.
  yield* Effect.ignore(socket.write(stdout ? channel.stdout : channel.stderr, new Uint8Array(0)))
  const next: Effect.Effect<Option.Option<Uint8Array>> = Effect.flatMap(
    socket.read,
    Option.match({
      onNone: () => Effect.succeedNone,
      onSome: (message) => {
        const ends = message.channel === channel.close && message.bytes[0] === channel.stdin
        return ends
          ? Effect.succeedNone
          : message.channel === channel.stdin && message.bytes.length > 0
          ? Effect.succeedSome(message.bytes)
          : Effect.suspend(() => next)
      }
    })
  )
  return {
    stdin: stdin ? next : Effect.succeedNone,
    stdout: write(channel.stdout, stdout),
    stderr: write(channel.stderr, stderr && !tty),
    finish: (status) => Effect.ignore(socket.write(channel.error, new TextEncoder().encode(status)))
  }
})
