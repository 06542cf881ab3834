/**
 * WebSocket clients whose protocols runtimes do not speak (O5): v5 channels for exec and attach, which say when stdin
 * ends, and SPDY inside a WebSocket for port-forward. Towards the runtime both are SPDY, as all runtimes know it.
 */
import { Effect, Fiber, Option } from "effect"
import { Buffer } from "node:buffer"
import type { IncomingMessage } from "node:http"
import * as ChannelSocket from "../../channels/ChannelSocket.ts"
import { acceptMessages, acceptTunnel, agreedProtocol, isWebSocket } from "../../channels/WebSocketUpgrade.ts"
import * as SpdyConnection from "../../spdy/SpdyConnection.ts"
import { type Refusal, refuse } from "./route.ts"
import { splice } from "./splice.ts"
import type { StreamsWanted, StreamTarget } from "./streamTarget.ts"
import type { UpgradeEvent } from "./tunnel.ts"
import { dial } from "./upstream.ts"

const v5 = "v5.channel.k8s.io"
const tunnelled = "SPDY/3.1+portforward.k8s.io"
const dialTimeoutMs = 30_000
const lingerMs = 30_000

/** The protocol to translate from; undefined when the runtime can have the request as it is. */
export const translatedProtocol = (target: StreamTarget, request: IncomingMessage): string | undefined =>
  isWebSocket(request)
    ? agreedProtocol(request, target.kind === "portForward" ? [tunnelled] : [v5])
    : undefined

/** Serves the client to the end of the stream. */
export const translate = Effect.fnUntraced(
  function*(event: UpgradeEvent, target: StreamTarget, protocol: string): Effect.fn.Return<number, Refusal> {
    const url = yield* target.open
    const subprotocol = protocol === tunnelled ? "portforward.k8s.io" : "v4.channel.k8s.io"
    const answer = yield* dial({
      method: "POST",
      url,
      headers: ["Connection", "Upgrade", "Upgrade", "SPDY/3.1", "X-Stream-Protocol-Version", subprotocol]
    }, dialTimeoutMs).pipe(Effect.mapError((error) => refuse(502, error.message)))
    if (answer._tag === "Answered") {
      answer.response.resume()
      return yield* refuse(answer.response.statusCode ?? 502, "the runtime refused the stream")
    }
    const serve = protocol === tunnelled
      ? Effect.flatMap(acceptTunnel(event, protocol), (tunnel) => splice(tunnel, answer.socket, { lingerMs }))
      : shell(event, protocol, answer.socket, target.streams)
    yield* serve.pipe(
      Effect.tapError((error) => Effect.logDebug("A translated stream ended", error)),
      Effect.ignore,
      Effect.ensuring(Effect.sync(() => answer.socket.destroy()))
    )
    return 101
  }
)

const shell = Effect.fnUntraced(
  function*(event: UpgradeEvent, protocol: string, upstream: SpdySocket, streams: StreamsWanted) {
    const runtime = yield* SpdyConnection.make(upstream, "client")
    const open = (streamType: string) => runtime.open(new Map([["streamType", streamType]]))
    const when = (wanted: boolean, streamType: string) => wanted ? Effect.asSome(open(streamType)) : Effect.succeedNone
    // The runtime waits for exactly these, in any order.
    const error = yield* open("error")
    const stdin = yield* when(streams.stdin, "stdin")
    const stdout = yield* when(streams.stdout, "stdout")
    const stderr = yield* when(streams.stderr, "stderr")
    const resize = yield* when(streams.tty, "resize")
    const client = ChannelSocket.make(yield* acceptMessages(event, protocol))
    const { channel } = ChannelSocket
    const toClient = (from: Option.Option<SpdyConnection.SpdyStream>, to: number) =>
      Option.match(from, { onNone: () => Effect.void, onSome: (stream) => copy(stream, client, to) })
    const fromClient = readClient(client, new Map([[channel.stdin, stdin], [channel.resize, resize]]))
    const input = yield* Effect.forkScoped(fromClient)
    yield* Effect.all([
      toClient(stdout, channel.stdout),
      toClient(stderr, channel.stderr),
      // Says how it ended: after it there is nothing more.
      copy(error, client, channel.error)
    ], { concurrency: "unbounded", discard: true }).pipe(Effect.raceFirst(Fiber.join(input)))
  },
  Effect.scoped
)

type SpdySocket = Parameters<typeof SpdyConnection.make>[0]

const copy = Effect.fnUntraced(function*(
  stream: SpdyConnection.SpdyStream,
  client: ChannelSocket.ChannelSocket,
  to: number
) {
  while (true) {
    const bytes = yield* stream.read
    if (Option.isNone(bytes)) {
      return
    }
    yield* client.write(to, bytes.value)
  }
})

/** Ends when the client leaves. */
const readClient = Effect.fnUntraced(function*(
  client: ChannelSocket.ChannelSocket,
  streams: ReadonlyMap<number, Option.Option<SpdyConnection.SpdyStream>>
) {
  const streamOf = (number: number) => Option.flatten(Option.fromUndefinedOr(streams.get(number)))
  while (true) {
    const message = yield* client.read
    if (Option.isNone(message)) {
      return
    }
    const { bytes, channel } = message.value
    if (channel === ChannelSocket.channel.close) {
      const ended = streamOf(bytes[0] ?? -1)
      yield* Option.match(ended, { onNone: () => Effect.void, onSome: (stream) => stream.end })
      continue
    }
    const stream = streamOf(channel)
    if (Option.isSome(stream) && bytes.length > 0) {
      yield* stream.value.write(Buffer.from(bytes))
    }
  }
})
