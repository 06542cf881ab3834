/**
 * The API as requests and answers, independent of any socket: paths, media types, bodies and status codes around the
 * verbs. A request that a node has to answer is passed back with the node's address.
 */
import { Effect, Stream } from "effect"
import type { RawResponse } from "../KubeApi.ts"
import { discover } from "./discovery.ts"
import { answerResource } from "./frontResources.ts"
import type { MemoryApi } from "./MemoryApi.ts"
import { openApi } from "./openapi.ts"
import { openApiV2 } from "./openapiV2.ts"
import { parsePath } from "./paths.ts"
import * as Refusals from "./refusal.ts"
import { type Answer, type FrontRequest, refusalReply } from "./reply.ts"

/** Answers a request. A refusal is an answer too. */
export const answer = (api: MemoryApi, request: FrontRequest): Effect.Effect<Answer> => {
  const url = new URL(request.target, "http://server")
  const path = url.pathname
  const own = discover(api.state, path, request.accept) ?? openApi(api.state, path) ?? openApiV2(path, request.accept)
  if (own !== undefined) {
    return Effect.succeed(request.method === "GET" ? own : refusalReply(Refusals.methodNotAllowed()))
  }
  const place = parsePath(api.state.kinds, path)
  if (place === undefined) return Effect.succeed(refusalReply(Refusals.noSuchPath()))
  return answerResource(api, request, place, url.searchParams).pipe(
    Effect.catch((refusal) => Effect.succeed<Answer>(refusalReply(refusal)))
  )
}

const joined = (chunks: ReadonlyArray<Uint8Array>): Uint8Array => Buffer.concat(chunks)

/** The whole of an answer; what only a node could say is not to be had without HTTP. */
export const collect = (answered: Effect.Effect<Answer>): Effect.Effect<RawResponse> =>
  Effect.gen(function*() {
    const reply = yield* answered
    if (reply._tag === "Pass") {
      const refusal = Refusals.internalError("nodes are only asked for clients over HTTP")
      return yield* collect(Effect.succeed(refusalReply(refusal)))
    }
    const { body, contentType, status } = reply
    return { status, contentType, body: body instanceof Uint8Array ? body : joined(yield* Stream.runCollect(body)) }
  })
