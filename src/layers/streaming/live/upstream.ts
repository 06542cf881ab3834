/**
 * The runtime's end of a stream: passes a client's upgrade request on to the URL that the runtime gave for it, and
 * tells what the runtime made of it.
 */
import { Effect, Schema } from "effect"
import { Buffer } from "node:buffer"
import * as http from "node:http"
import * as https from "node:https"
import * as net from "node:net"
import type { Duplex } from "node:stream"
import * as tls from "node:tls"
import { withoutToken } from "../../../domain/auth/credentials.ts"

/** The runtime's streaming server did not answer as HTTP. */
export class UpstreamError extends Schema.TaggedError<UpstreamError>()("UpstreamError", {
  address: Schema.String,
  cause: Schema.Defect()
}) {
  override get message(): string {
    return `streaming server of the runtime at ${this.address}: ${String(this.cause)}`
  }
}

export type UpstreamAnswer =
  /** It took the upgrade: from here on the connection speaks the protocol agreed on. */
  | { readonly _tag: "Upgraded"; readonly response: http.IncomingMessage; readonly socket: Duplex }
  /** It answered otherwise. */
  | { readonly _tag: "Answered"; readonly response: http.IncomingMessage }

export interface UpgradeRequest {
  readonly method: string
  readonly url: URL
  /** Names and values in turn, as `rawHeaders` has them. */
  readonly headers: ReadonlyArray<string>
}

// The client's identity was for us; hop headers are this connection's own, and an upgrade request has no body.
const dropped = new Set([
  "authorization",
  "host",
  "content-length",
  "transfer-encoding",
  "expect",
  "proxy-authorization"
])

/** The headers to pass on with an upgrade request: all but credentials and what belongs to the first connection. */
export const forwardedHeaders = (rawHeaders: ReadonlyArray<string>): ReadonlyArray<string> => {
  const out: Array<string> = []
  for (let i = 0; i + 1 < rawHeaders.length; i += 2) {
    const name = rawHeaders[i] ?? ""
    const value = rawHeaders[i + 1] ?? ""
    if (name.toLowerCase() === "sec-websocket-protocol") {
      const protocols = withoutToken(value)
      if (protocols !== undefined) {
        out.push(name, protocols)
      }
    } else if (!dropped.has(name.toLowerCase())) {
      out.push(name, value)
    }
  }
  return out
}

const isLoopback = (hostname: string): boolean => /^(localhost|127\.[\d.]+|\[?::1\]?)$/.test(hostname)

// Half-open, or the end of what the client sends would cut off what the container still has to say.
const connect = (url: URL): net.Socket => {
  const isTls = url.protocol === "https:"
  const host = url.hostname.replace(/^\[|\]$/g, "")
  const socket = net.connect({ host, port: Number(url.port || (isTls ? 443 : 80)), allowHalfOpen: true })
  // A runtime's own server on loopback signs its certificate itself.
  return isTls ? tls.connect({ socket, servername: host, rejectUnauthorized: !isLoopback(url.hostname) }) : socket
}

/** Asks for the upgrade. Interruption closes the connection; after an answer it is the caller's to close. */
export const dial = (request: UpgradeRequest, timeoutMs: number): Effect.Effect<UpstreamAnswer, UpstreamError> =>
  Effect.callback<UpstreamAnswer, UpstreamError>((resume) => {
    const { url } = request
    const client = url.protocol === "https:" ? https : http
    const outgoing = client.request(url, {
      method: request.method,
      // Without a length Node would send an empty chunked body, which is the first thing that the stream's server reads.
      headers: ["Host", url.host, ...(request.method === "GET" ? [] : ["Content-Length", "0"]), ...request.headers],
      agent: false,
      createConnection: () => connect(url)
    })
    const fail = (cause: unknown) => resume(Effect.fail(new UpstreamError({ address: url.host, cause })))
    outgoing.setTimeout(timeoutMs, () => outgoing.destroy(new Error(`no answer in ${timeoutMs} ms`)))
    outgoing.on("error", fail)
    outgoing.on("upgrade", (response, socket, head) => {
      socket.setTimeout(0)
      socket.setNoDelay(true)
      if (head.length > 0) {
        socket.unshift(Buffer.from(head))
      }
      resume(Effect.succeed({ _tag: "Upgraded", response, socket }))
    })
    outgoing.on("response", (response) => resume(Effect.succeed({ _tag: "Answered", response })))
    outgoing.end()
    return Effect.sync(() => outgoing.destroy())
  })
