/** Compresses large answers for clients that say they can read it: a scrape of a full node is megabytes of text. */
import { Effect } from "effect"
import { HttpBody, HttpServerResponse } from "effect/http"
import { promisify } from "node:util"
import { gzip } from "node:zlib"

const zip = promisify(gzip)

/** Less fits a packet or two as it is. */
const worthBytes = 1024
/** What is made whole before it is sent. Streams stay as they are: a follower wants each line now. */
const wanted = /^\/(metrics|stats|pods|runningpods)(\/|$)/

/** `accept`: the header `accept-encoding`. */
export const compressed = (
  response: HttpServerResponse.HttpServerResponse,
  { accept, path }: { readonly accept: string | undefined; readonly path: string }
): Effect.Effect<HttpServerResponse.HttpServerResponse> => {
  const { body } = response
  if (body._tag !== "Uint8Array" || body.body.length < worthBytes || !wanted.test(path) || !acceptsGzip(accept)) {
    return Effect.succeed(response)
  }
  return Effect.map(
    Effect.promise(() => zip(body.body)),
    (bytes) =>
      HttpServerResponse.setBody(response, HttpBody.uint8Array(bytes, body.contentType)).pipe(
        HttpServerResponse.setHeaders({ "content-encoding": "gzip", vary: "Accept-Encoding" })
      )
  )
}

const acceptsGzip = (accept = ""): boolean =>
  accept.split(",").some((offer) => /^\s*(gzip|\*)\s*(;|$)/i.test(offer) && !/;\s*q=0(\.0*)?\s*$/i.test(offer))
