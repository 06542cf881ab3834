/** A small HTTP(S) server that answers as the test says and remembers what it was asked. */
import { Effect } from "effect"
import * as Http from "node:http"
import * as Https from "node:https"
import type { Socket } from "node:net"
import { TLSSocket } from "node:tls"

export interface Asked {
  readonly method: string
  readonly url: string
  readonly headers: Http.IncomingHttpHeaders
  readonly body: string
  /** Subject of the client's certificate, empty without one. */
  readonly subject: string
  readonly socket: Socket
}

export type Answer = (asked: Asked, response: Http.ServerResponse) => void

export interface TestServer {
  readonly url: string
  readonly port: number
  readonly asked: ReadonlyArray<Asked>
  /** Connections open at this moment. */
  readonly connections: ReadonlySet<Socket>
  readonly close: Effect.Effect<void>
}

const subjectOf = (socket: Socket): string => {
  if (!(socket instanceof TLSSocket)) return ""
  const subject = socket.getPeerCertificate().subject
  return subject === undefined ? "" : String(subject.CN)
}

export const start = Effect.fnUntraced(function*(answer: Answer, options: {
  readonly tls?: Https.ServerOptions
  readonly port?: number
} = {}) {
  const asked: Array<Asked> = []
  const connections = new Set<Socket>()
  const listener: Http.RequestListener = (request, response) => {
    const chunks: Array<Buffer> = []
    request.on("data", (chunk: Buffer) => chunks.push(chunk))
    request.on("end", () => {
      const one: Asked = {
        method: request.method ?? "",
        url: request.url ?? "",
        headers: request.headers,
        body: Buffer.concat(chunks).toString(),
        subject: subjectOf(request.socket),
        socket: request.socket
      }
      asked.push(one)
      answer(one, response)
    })
  }
  const server = options.tls === undefined ? Http.createServer(listener) : Https.createServer(options.tls, listener)
  server.on(options.tls === undefined ? "connection" : "secureConnection", (socket: Socket) => {
    connections.add(socket)
    socket.on("close", () => connections.delete(socket))
    socket.on("error", () => socket.destroy())
  })
  const close = Effect.callback<void>((resume) => {
    for (const socket of connections) socket.destroy()
    if (!server.listening) return resume(Effect.void)
    server.close(() => resume(Effect.void))
  })
  yield* Effect.acquireRelease(
    Effect.callback<void>((resume) => {
      server.listen(options.port ?? 0, "127.0.0.1", () => resume(Effect.void))
    }),
    () => close
  )
  const address = server.address()
  const port = typeof address === "object" && address !== null ? address.port : 0
  const made: TestServer = {
    url: `${options.tls === undefined ? "http" : "https"}://127.0.0.1:${port}`,
    port,
    asked,
    connections,
    close
  }
  return made
})

export const json = (
  response: Http.ServerResponse,
  value: unknown,
  status = 200,
  headers: Http.OutgoingHttpHeaders = {}
) => {
  response.writeHead(status, { "content-type": "application/json", ...headers })
  response.end(JSON.stringify(value))
}

export const status = (code: number, reason: string, message: string, details: object = {}) => ({
  kind: "Status",
  apiVersion: "v1",
  metadata: {},
  status: "Failure",
  code,
  reason,
  message,
  details
})
