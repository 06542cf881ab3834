/** One GET on a connection of its own: no proxy, no keep-alive, no certificate checks. */
import { Effect } from "effect"
import * as http from "node:http"
import * as https from "node:https"
import { type GetFailure, getTooLate, hostPort, maxBodyBytes, type Wire } from "../wire.ts"
import { dialError } from "./dialError.ts"

const explain = (url: URL, error: NodeJS.ErrnoException): GetFailure => {
  const isTls = url.protocol === "https:"
  if (isTls && (error.code === "EPROTO" || error.code === "ERR_SSL_WRONG_VERSION_NUMBER")) {
    return { detail: "http: server gave HTTP response to HTTPS client", plainHttp: true }
  }
  if (error.code?.startsWith("HPE_") === true) {
    return { detail: `net/http: malformed HTTP response (${error.message})`, plainHttp: false }
  }
  const host = url.hostname.replace(/^\[|\]$/g, "")
  const address = hostPort({ host, port: Number(url.port || (isTls ? 443 : 80)) })
  const words = dialError(host, error)
  // Go names the address for what happens while it dials, and no address for a name that it cannot look up.
  const detail = words.startsWith("lookup") ? `dial tcp: ${words}` : `dial tcp ${address}: ${words}`
  return { detail, plainHttp: false }
}

/** A header with one value must be text: Node takes no list for some of them. There is one `Host` only. */
const nodeHeaders = (headers: Readonly<Record<string, ReadonlyArray<string>>>): http.OutgoingHttpHeaders =>
  Object.fromEntries(
    Object.entries(headers).map(([name, values]) =>
      values.length === 1 || name.toLowerCase() === "host" ? [name, values[0]] : [name, [...values]]
    )
  )

const open = (url: URL, headers: Readonly<Record<string, ReadonlyArray<string>>>) => {
  const options: https.RequestOptions = {
    agent: false,
    headers: { connection: "close", ...nodeHeaders(headers) },
    method: "GET",
    rejectUnauthorized: false
  }
  return Effect.try({
    try: () => url.protocol === "https:" ? https.request(url, options) : http.request(url, options),
    // Node checks names and values of headers before anything is sent.
    catch: (cause): GetFailure => ({ detail: `net/http: invalid header field: ${String(cause)}`, plainHttp: false })
  })
}

const answerOf = (url: URL, request: http.ClientRequest) =>
  Effect.callback<{ readonly status: number; readonly body: string; readonly location?: string }, GetFailure>(
    (resume) => {
      const fail = (error: NodeJS.ErrnoException) => resume(Effect.fail(explain(url, error)))
      request.on("error", fail)
      request.on("response", (response) => {
        const chunks: Array<Buffer> = []
        let size = 0
        const done = () => {
          const body = Buffer.concat(chunks).subarray(0, maxBodyBytes).toString("utf8")
          const { location } = response.headers
          resume(
            Effect.succeed({ status: response.statusCode ?? 0, body, ...(location === undefined ? {} : { location }) })
          )
        }
        response.on("data", (chunk: Buffer) => {
          chunks.push(chunk)
          size += chunk.length
          if (size < maxBodyBytes) return
          done()
          request.destroy()
        })
        response.on("end", done)
        response.on("error", fail)
      })
      request.end()
      return Effect.sync(() => request.destroy())
    }
  )

export const get: Wire["get"] = (url, headers) => (timeoutMs) =>
  Effect.flatMap(open(url, headers), (request) => answerOf(url, request)).pipe(
    Effect.timeoutOrElse({ duration: timeoutMs, orElse: () => Effect.fail(getTooLate) })
  )
