/**
 * Handles upgrade requests for streams: lets them in, has the runtime serve the stream, and from then on only carries
 * bytes. SPDY and WebSocket alike; neither is looked into, but for the protocols that runtimes do not speak.
 */
import { Clock, Effect, Option } from "effect"
import { Buffer } from "node:buffer"
import { type IncomingMessage, STATUS_CODES } from "node:http"
import type { Duplex } from "node:stream"
import { admit, targetOf } from "./gate.ts"
import { measured } from "./requestMetrics.ts"
import { find, type NodeRequest, type Refusal, refusalHeaders, refuse, type Route } from "./route.ts"
import { type Door, logRequest } from "./serve.ts"
import { splice } from "./splice.ts"
import type { StreamTarget } from "./streamTarget.ts"
import { translate, translatedProtocol } from "./translate.ts"
import { dial, forwardedHeaders } from "./upstream.ts"

const dialTimeoutMs = 30_000
// A peer that has closed its side of a stream wants the rest of it, but not for ever.
const lingerMs = 30_000
const farewellMs = 1000

export interface UpgradeEvent {
  readonly request: IncomingMessage
  readonly socket: Duplex
  /** What the client sent after the request already. */
  readonly head: Buffer
}

/** Serves one upgrade request to its end. Never fails; interruption closes both connections. */
export const tunnel = Effect.fn("NodeServer.tunnel")(
  function*(door: Door, routes: ReadonlyArray<Route<StreamTarget>>, event: UpgradeEvent) {
    const { request, socket } = event
    const started = yield* Clock.currentTimeMillis
    const status = yield* resolve(door, routes, request).pipe(
      Effect.flatMap((target) => {
        const protocol = translatedProtocol(target, request)
        return protocol === undefined ? relay(event, target) : translate(event, target, protocol)
      }),
      Effect.catchTag("Refusal", (refusal) => Effect.as(sayNo(socket, refusal), refusal.status))
    )
    yield* logRequest(request, status, started)
  },
  (self, door, _routes, { request, socket }) =>
    self.pipe(
      Effect.raceFirst(closed(socket)),
      Effect.ensuring(Effect.sync(() => socket.destroy())),
      measured(
        { method: request.method ?? "", path: (request.url ?? "").split("?", 1)[0] ?? "" },
        Option.isSome(door.access) ? "readwrite" : "readonly"
      )
    )
)

const closed = (socket: Duplex): Effect.Effect<void> =>
  Effect.callback<void>((resume) => {
    const done = () => resume(Effect.void)
    // A reset is an end like any other here; without a listener it would end the process.
    socket.on("error", done)
    socket.once("close", done)
    if (socket.destroyed) {
      done()
    }
    return Effect.sync(() => socket.off("close", done))
  })

const resolve = Effect.fnUntraced(function*(
  door: Door,
  routes: ReadonlyArray<Route<StreamTarget>>,
  request: IncomingMessage
): Effect.fn.Return<StreamTarget, Refusal> {
  const target = yield* Effect.fromResult(targetOf(request))
  const admitted: NodeRequest = yield* admit(request, target, door.access, door.nodeName)
  // Bytes of a body would be taken for the first bytes of the stream.
  if (Number(request.headers["content-length"] ?? 0) > 0 || request.headers["transfer-encoding"] !== undefined) {
    return yield* refuse(400, "an upgrade request must not have a body")
  }
  const handler = yield* Effect.fromResult(find(routes, admitted.method, target.segments))
  return yield* handler(admitted)
})

const relay = Effect.fnUntraced(function*(
  { head, request, socket }: UpgradeEvent,
  target: StreamTarget
): Effect.fn.Return<number, Refusal> {
  const url = yield* target.open
  const answer = yield* dial(
    { method: request.method ?? "GET", url, headers: forwardedHeaders(request.rawHeaders) },
    dialTimeoutMs
  ).pipe(
    Effect.tapError((error) => Effect.logError("Could not reach the runtime's streaming server", error)),
    Effect.mapError((error) => refuse(502, error.message))
  )
  if (answer._tag === "Answered") {
    yield* relayAnswer(socket, answer.response)
    return answer.response.statusCode ?? 502
  }
  socket.write(headOf(101, answer.response.rawHeaders))
  if (head.length > 0) {
    socket.unshift(head)
  }
  yield* splice(socket, answer.socket, { lingerMs })
  return 101
})

const headOf = (status: number, rawHeaders: ReadonlyArray<string>): string => {
  let text = `HTTP/1.1 ${status} ${STATUS_CODES[status] ?? "Unknown"}\r\n`
  for (let i = 0; i + 1 < rawHeaders.length; i += 2) {
    text += `${rawHeaders[i]}: ${rawHeaders[i + 1]}\r\n`
  }
  return `${text}\r\n`
}

const ofConnection = new Set(["connection", "keep-alive", "transfer-encoding", "upgrade"])

/** The runtime said no, or something else that is not an upgrade: the client hears that, and nothing more. */
const relayAnswer = (socket: Duplex, response: IncomingMessage): Effect.Effect<void> => {
  const headers: Array<string> = []
  for (let i = 0; i + 1 < response.rawHeaders.length; i += 2) {
    const name = response.rawHeaders[i] ?? ""
    if (!ofConnection.has(name.toLowerCase())) {
      headers.push(name, response.rawHeaders[i + 1] ?? "")
    }
  }
  return Effect.callback<void>((resume) => {
    socket.write(headOf(response.statusCode ?? 502, [...headers, "Connection", "close"]))
    response.on("error", () => socket.destroy())
    socket.once("finish", () => resume(Effect.void))
    response.pipe(socket)
    return Effect.sync(() => response.destroy())
  }).pipe(Effect.andThen(farewell(socket)))
}

const sayNo = (socket: Duplex, refusal: Refusal): Effect.Effect<void> => {
  const headers = {
    ...refusalHeaders(refusal),
    "content-length": String(Buffer.byteLength(refusal.body)),
    connection: "close"
  }
  return Effect.andThen(
    Effect.sync(() => socket.end(headOf(refusal.status, Object.entries(headers).flat()) + refusal.body)),
    farewell(socket)
  )
}

// Closing at once could reset the connection before the client has read the answer.
const farewell = (socket: Duplex): Effect.Effect<void> =>
  Effect.sync(() => socket.resume()).pipe(
    Effect.andThen(closed(socket)),
    Effect.timeoutOption(farewellMs),
    Effect.asVoid
  )
