/** One GET on a connection of its own: no proxy, no keep-alive, no certificate checks, redirects within the host. */
import { Effect } from "effect"
import * as http from "node:http"
import * as https from "node:https"
import type { HttpTarget } from "../Prober.ts"
import { dialError, hostPort } from "./dialError.ts"

/** What is kept of a body; the rest is left unread (parity H4). */
const maxBodyBytes = 10 * 1024
const maxRedirects = 10

export interface HttpAnswer {
  readonly status: number
  readonly body: string
  /** Set when the answer redirects to another host, which is not followed. */
  readonly leftHost?: string
}

export interface HttpFailure {
  /** Why there was no answer, as Go's client says it. */
  readonly failed: string
}

type Header = { readonly name: string; readonly value: string }

/** A header given replaces the default of its name; given empty, it removes it (parity H4). */
const headersOf = (given: ReadonlyArray<Header>, defaults: ReadonlyArray<Header>): Record<string, Array<string>> => {
  const headers: Record<string, Array<string>> = {}
  const add = (into: Record<string, Array<string>>, { name, value }: Header) => {
    const key = Object.keys(into).find((known) => known.toLowerCase() === name.toLowerCase()) ?? name
    into[key] = [...(into[key] ?? []), value]
  }
  for (const header of given) add(headers, header)
  for (const header of defaults) {
    if (!Object.keys(headers).some((name) => name.toLowerCase() === header.name.toLowerCase())) add(headers, header)
  }
  return Object.fromEntries(Object.entries(headers).filter(([, values]) => values.join("") !== ""))
}

const explain = (target: HttpTarget, error: NodeJS.ErrnoException): string => {
  if (error.code === "EPROTO" || error.code === "ERR_SSL_WRONG_VERSION_NUMBER") {
    return "http: server gave HTTP response to HTTPS client"
  }
  if (error.code === "HPE_INVALID_CONSTANT" || error.code?.startsWith("HPE_") === true) {
    return `net/http: malformed HTTP response (${error.message})`
  }
  return dialError(target.host, target.port, error)
}

const urlOf = (target: HttpTarget): string => `${target.scheme}://${hostPort(target.host, target.port)}${target.path}`

const exchange = (url: URL, headers: Record<string, Array<string>>) =>
  Effect.callback<{ readonly response: http.IncomingMessage; readonly body: string }, NodeJS.ErrnoException>(
    (resume) => {
      const options: https.RequestOptions = {
        agent: false,
        headers: { connection: "close", ...headers },
        method: "GET",
        rejectUnauthorized: false
      }
      const request = url.protocol === "https:" ? https.request(url, options) : http.request(url, options)
      request.on("error", (error: NodeJS.ErrnoException) => resume(Effect.fail(error)))
      request.on("response", (response) => {
        const chunks: Array<Buffer> = []
        let size = 0
        const done = () => {
          const body = Buffer.concat(chunks).subarray(0, maxBodyBytes).toString("utf8")
          resume(Effect.succeed({ response, body }))
        }
        response.on("data", (chunk: Buffer) => {
          chunks.push(chunk)
          size += chunk.length
          if (size < maxBodyBytes) return
          done()
          request.destroy()
        })
        response.on("end", done)
        response.on("error", (error: NodeJS.ErrnoException) => resume(Effect.fail(error)))
      })
      request.end()
      return Effect.sync(() => request.destroy())
    }
  )

/** Follows redirects within the host. `defaults` are headers sent unless the target sets them itself. */
export const getOnce = (
  target: HttpTarget,
  options: { readonly timeoutMs: number; readonly defaults: ReadonlyArray<Header> }
): Effect.Effect<HttpAnswer | HttpFailure> => {
  const headers = headersOf(target.headers, options.defaults)
  const follow = Effect.fnUntraced(function*() {
    let url = new URL(urlOf(target))
    for (let hop = 0; hop <= maxRedirects; hop++) {
      const { body, response } = yield* exchange(url, headers)
      const status = response.statusCode ?? 0
      const location = response.headers.location
      if (status < 300 || status >= 400 || status === 304 || location === undefined) return { status, body }
      const next = new URL(location, url)
      if (next.hostname !== url.hostname) return { status, body, leftHost: next.hostname }
      url = next
    }
    return { failed: `Get "${urlOf(target)}": stopped after ${maxRedirects} redirects` }
  })
  return follow().pipe(
    Effect.catch((error) => Effect.succeed({ failed: `Get "${urlOf(target)}": ${explain(target, error)}` })),
    Effect.timeoutOrElse({
      duration: options.timeoutMs,
      orElse: () =>
        Effect.succeed({
          failed: `Get "${urlOf(target)}": context deadline exceeded (Client.Timeout exceeded while awaiting headers)`
        })
    })
  )
}
