/** Handles plain requests: lets them in, finds their route, answers, counts and logs. */
import * as NodeHttpServerRequest from "@effect/platform-node/NodeHttpServerRequest"
import { Clock, Effect, Option } from "effect"
import { HttpServerRequest, type HttpServerResponse } from "effect/http"
import { IncomingMessage } from "node:http"
import type { Access } from "../Access.ts"
import { compressed } from "./compress.ts"
import { admit, targetOf } from "./gate.ts"
import { measured } from "./requestMetrics.ts"
import { find, type Refusal, type ResponseRoute, toResponse } from "./route.ts"

export interface Door {
  readonly nodeName: string
  /** None: everyone may do what this port offers. */
  readonly access: Option.Option<Access["Service"]>
}

// What every client gets now and then; anything else stands out in the log.
const quiet = new Set([101, 200, 301, 302, 307, 400, 404])

/** One line a request, without its query: commands and their arguments are in it. */
export const logRequest = (
  request: IncomingMessage,
  status: number,
  startedMs: number
): Effect.Effect<void> =>
  Effect.flatMap(Clock.currentTimeMillis, (now) => {
    const line = (quiet.has(status) ? Effect.logDebug : Effect.logInfo)("HTTP")
    return Effect.annotateLogs(line, {
      verb: request.method ?? "",
      path: (request.url ?? "").split("?", 1)[0] ?? "",
      status,
      durationMs: Math.round(now - startedMs),
      from: request.socket.remoteAddress ?? "",
      agent: request.headers["user-agent"] ?? ""
    })
  })

export const serve = (
  door: Door,
  routes: ReadonlyArray<ResponseRoute>
): Effect.Effect<HttpServerResponse.HttpServerResponse, never, HttpServerRequest.HttpServerRequest> =>
  Effect.gen(function*() {
    const request = NodeHttpServerRequest.toIncomingMessage(yield* HttpServerRequest.HttpServerRequest)
    if (!(request instanceof IncomingMessage)) {
      return yield* Effect.die(new Error("the node's server speaks HTTP/1.1 only"))
    }
    const started = yield* Clock.currentTimeMillis
    const path = (request.url ?? "").split("?", 1)[0] ?? ""
    const response = yield* answer(door, routes, request).pipe(
      Effect.catchTag("Refusal", (refusal) => Effect.succeed(toResponse(refusal))),
      Effect.flatMap((whole) => compressed(whole, { accept: request.headers["accept-encoding"], path })),
      measured({ method: request.method ?? "", path }, Option.isSome(door.access) ? "readwrite" : "readonly")
    )
    yield* logRequest(request, response.status, started)
    return response
  })

const answer = Effect.fnUntraced(function*(
  door: Door,
  routes: ReadonlyArray<ResponseRoute>,
  request: IncomingMessage
): Effect.fn.Return<HttpServerResponse.HttpServerResponse, Refusal> {
  const target = yield* Effect.fromResult(targetOf(request))
  const admitted = yield* admit(request, target, door.access, door.nodeName)
  const handler = yield* Effect.fromResult(find(routes, admitted.method, target.segments))
  return yield* handler(admitted)
})
