/**
 * The API server in memory on HTTP or HTTPS, for `kubectl`, for real kubelets and for our own live client. Requests for
 * pods' logs, shells and ports go on to the nodes. All of it ends with the scope; the state does not.
 */
import * as NodeHttpServer from "@effect/platform-node/NodeHttpServer"
import * as NodeHttpServerRequest from "@effect/platform-node/NodeHttpServerRequest"
import { Effect, FiberSet, Result, Schema, type Scope, Stream } from "effect"
import { HttpServerRequest, HttpServerResponse } from "effect/http"
import { createServer, type IncomingMessage, type Server } from "node:http"
import { createServer as createTlsServer } from "node:https"
import type { Duplex } from "node:stream"
import { answer } from "./front.ts"
import type { MemoryApi } from "./MemoryApi.ts"
import { nodeTarget } from "./nodeTarget.ts"
import { parsePath } from "./paths.ts"
import * as Refusals from "./refusal.ts"
import { type FrontRequest, refusalReply, type Reply } from "./reply.ts"
import { requesterOf } from "./requester.ts"
import { type NodeAccess, passOn, tunnel } from "./toNode.ts"
import { publishRoot } from "./trust.ts"

export interface Options {
  /** Default 127.0.0.1. */
  readonly host?: string
  /** Default: any free one. */
  readonly port?: number
  /** Serve HTTPS, with a certificate of the server's own authority; clients may show certificates of that authority. */
  readonly tls?: boolean
  /** Names and addresses of the certificate, beside `host`. */
  readonly names?: ReadonlyArray<string>
  /** Turn away whoever shows neither token nor certificate; default: when the server knows any tokens. */
  readonly authenticate?: boolean
  /** How nodes are reached; default HTTPS. */
  readonly nodes?: NodeAccess
}

export interface Serving {
  readonly url: string
  readonly port: number
  /** The certificate that clients have to trust, PEM; absent without TLS. */
  readonly certificateAuthority?: string
}

/** The server could not listen. */
export class ServeError extends Schema.TaggedError<ServeError>()("ServeError", {
  address: Schema.String,
  cause: Schema.Defect()
}) {
  override get message(): string {
    return `cannot serve the API on ${this.address}: ${this.cause instanceof Error ? this.cause.message : ""}`
  }
}

/** Written first, it sends the headers: a client of a quiet watch has to know that it began. */
const opening = Stream.succeed(new Uint8Array())

const toResponse = ({ body, contentType, headers, status }: Reply): HttpServerResponse.HttpServerResponse =>
  body instanceof Uint8Array
    ? HttpServerResponse.uint8Array(body, { status, contentType, headers })
    : HttpServerResponse.stream(Stream.concat(opening, body), { status, contentType, headers })

interface Frontage {
  readonly api: MemoryApi
  readonly access: NodeAccess
  readonly authenticate: boolean
}

const frontRequest = Effect.fnUntraced(function*({ api, authenticate }: Frontage) {
  const request = yield* HttpServerRequest.HttpServerRequest
  const incoming = NodeHttpServerRequest.toIncomingMessage(request)
  const user = yield* Effect.fromResult(requesterOf(api.state, incoming, authenticate))
  const body = yield* request.arrayBuffer.pipe(
    Effect.mapError(() => Refusals.badRequest("the request body could not be read"))
  )
  const front: FrontRequest = {
    method: request.method,
    target: request.url,
    accept: request.headers["accept"] ?? "",
    contentType: request.headers["content-type"] ?? "",
    body: new Uint8Array(body),
    user
  }
  return front
})

const isLog = (target: string): boolean => target.startsWith("/containerLogs/")

const respond = (frontage: Frontage) =>
  Effect.gen(function*() {
    const request = yield* frontRequest(frontage)
    const answered = yield* answer(frontage.api, request)
    if (answered._tag === "Reply") return answered
    return yield* passOn(frontage.access, answered, request, isLog(answered.target))
  }).pipe(
    Effect.catch((refusal) => Effect.succeed(refusalReply(refusal))),
    Effect.map(toResponse)
  )

const refuseUpgrade = (client: Duplex, refusal: Refusals.Refusal): void => {
  const body = JSON.stringify(Refusals.statusOf(refusal))
  client.end(
    `HTTP/1.1 ${refusal.code} ${refusal.reason || "Error"}\r\nContent-Type: application/json\r\nConnection: close\r\n` +
      `Content-Length: ${Buffer.byteLength(body)}\r\n\r\n${body}`
  )
}

const upgrade = ({ access, api, authenticate }: Frontage, request: IncomingMessage, client: Duplex, early: Buffer) =>
  Effect.gen(function*() {
    yield* Effect.fromResult(requesterOf(api.state, request, authenticate))
    const url = new URL(request.url ?? "/", "http://server")
    const place = parsePath(api.state.kinds, url.pathname)
    const pass = place === undefined ? Result.fail(Refusals.noSuchPath()) : nodeTarget(api.state, place, url.search)
    yield* tunnel(access, yield* Effect.fromResult(pass), request, client, early)
  }).pipe(Effect.catch((refusal) => Effect.sync(() => refuseUpgrade(client, refusal))))

/** The framework would end upgrades here; ours go through to a node untouched. */
const takeUpgrades = Effect.fnUntraced(function*(server: Server, frontage: Frontage) {
  const run = yield* FiberSet.makeRuntime<never, void, never>()
  const handler = (request: IncomingMessage, client: Duplex, early: Buffer) => {
    // Without a listener a client that resets the connection would end the process.
    client.on("error", () => client.destroy())
    run(upgrade(frontage, request, client, early))
  }
  server.removeAllListeners("upgrade")
  server.on("upgrade", handler)
  yield* Effect.addFinalizer(() => Effect.sync(() => server.off("upgrade", handler)))
})

const makeServer = Effect.fnUntraced(function*(api: MemoryApi, host: string, options: Options) {
  if (options.tls !== true) return { server: createServer(), certificateAuthority: undefined, nodes: {} }
  const authority = yield* api.authority
  const hosts = [...new Set([host, "127.0.0.1", "localhost", "kubernetes.default.svc", ...options.names ?? []])]
  const own = yield* authority.serve(hosts)
  const client = yield* authority.client("CN=kube-apiserver-kubelet-client,O=system:masters")
  const server = createTlsServer({
    cert: own.certificate,
    key: own.key,
    ca: authority.certificate,
    requestCert: true,
    rejectUnauthorized: false
  })
  return { server, certificateAuthority: authority.certificate, nodes: client }
})

/** Serves until the scope closes; open connections are then cut. */
export const serve = Effect.fn("ApiServer.serve")(function*(
  api: MemoryApi,
  options: Options = {}
): Effect.fn.Return<Serving, ServeError, Scope.Scope> {
  const host = options.host ?? "127.0.0.1"
  const { certificateAuthority, nodes, server } = yield* makeServer(api, host, options)
  const listening = yield* NodeHttpServer.make(() => server, {
    host,
    port: options.port ?? 0,
    gracefulShutdownTimeout: "100 millis"
  }).pipe(
    Effect.mapError((cause) => new ServeError({ address: `${host}:${options.port ?? 0}`, cause }))
  )
  yield* Effect.addFinalizer(() => Effect.sync(() => server.closeAllConnections()))
  if (certificateAuthority !== undefined) publishRoot(api, certificateAuthority)
  const frontage: Frontage = {
    api,
    access: options.nodes ?? { scheme: "https", ...nodes },
    authenticate: options.authenticate ?? api.state.settings.tokens.size > 0
  }
  yield* listening.serve(respond(frontage))
  yield* takeUpgrades(server, frontage)
  const address = server.address()
  const port = typeof address === "object" && address !== null ? address.port : 0
  const scheme = certificateAuthority === undefined ? "http" : "https"
  return {
    url: `${scheme}://${host.includes(":") ? `[${host}]` : host}:${port}`,
    port,
    ...(certificateAuthority === undefined ? {} : { certificateAuthority })
  }
})
