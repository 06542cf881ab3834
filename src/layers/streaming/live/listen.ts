/** Opens a port: plain or TLS, with the limits that keep a hostile client from holding it, for as long as the scope. */
import * as NodeHttpServer from "@effect/platform-node/NodeHttpServer"
import { Effect, Fiber, Option, Schema, Scope, Stream } from "effect"
import type { HttpServerRequest, HttpServerResponse } from "effect/http"
import { constants } from "node:crypto"
import * as http from "node:http"
import * as https from "node:https"
import type { Duplex } from "node:stream"
import type { SecureVersion } from "node:tls"
import type { ServingCertificate, TlsMaterial } from "../ServingCertificate.ts"
import { opensslCiphers } from "./ciphers.ts"
import type { UpgradeEvent } from "./tunnel.ts"

/** The port could not be opened. */
export class ListenError extends Schema.TaggedError<ListenError>()("ListenError", {
  address: Schema.String,
  port: Schema.Number,
  cause: Schema.Defect()
}) {
  override get message(): string {
    return `could not listen on ${this.address}:${this.port}: ${this.cause instanceof Error ? this.cause.message : ""}`
  }
}

export interface TlsOptions {
  readonly certificate: ServingCertificate["Service"]
  readonly minVersion: Option.Option<SecureVersion>
  /** By the names that Go and the configuration use. */
  readonly cipherSuites: ReadonlyArray<string>
  /** By the names OpenSSL uses, best first. */
  readonly curves: ReadonlyArray<string>
}

export interface ListenOptions {
  readonly address: string
  /** 0: any. */
  readonly port: number
  readonly tls: Option.Option<TlsOptions>
  /** How long a client may take over the header of a request. */
  readonly headerTimeoutMs: number
  readonly app: Effect.Effect<HttpServerResponse.HttpServerResponse, never, HttpServerRequest.HttpServerRequest>
  readonly upgrades: Option.Option<{
    readonly isFor: (path: string) => boolean
    readonly handle: (event: UpgradeEvent) => Effect.Effect<void>
  }>
}

// O13, and what Go's server lacks: a header that does not come, or a handshake that does not end, holds nothing.
const limits = {
  maxHeaderSize: 1024 * 1024,
  keepAliveTimeout: 90_000,
  // Finds peers that are gone without a word.
  keepAlive: true,
  keepAliveInitialDelay: 30_000,
  noDelay: true
} as const
const handshakeTimeoutMs = 10_000

/** Listens until the scope ends, which cuts what is open. Gives the port. */
export const listen = Effect.fn("NodeServer.listen")(function*(
  options: ListenOptions
): Effect.fn.Return<number, ListenError, Scope.Scope> {
  const scope = yield* Effect.scope
  const server = yield* makeServer(options)
  yield* Scope.addFinalizer(scope, Effect.sync(() => server.closeAllConnections()))
  // Closing in this order: no new connections, then the requests, then what is left of their connections.
  const requests = yield* Scope.fork(scope, "parallel")
  server.on("request", yield* NodeHttpServer.makeHandler(options.app, { scope: requests }))
  if (Option.isSome(options.upgrades)) {
    const { handle } = options.upgrades.value
    const context = yield* Effect.context<never>()
    server.on("upgrade", (request: http.IncomingMessage, socket: Duplex, head: Buffer) => {
      Fiber.runIn(Effect.runForkWith(context)(handle({ request, socket, head })), requests)
    })
  }
  yield* Scope.addFinalizer(scope, Effect.sync(() => server.close()))
  return yield* open(server, options)
})

const makeServer = Effect.fnUntraced(function*(
  { headerTimeoutMs, tls, upgrades }: ListenOptions
): Effect.fn.Return<http.Server | https.Server, never, Scope.Scope> {
  const settings = {
    ...limits,
    headersTimeout: headerTimeoutMs,
    requestTimeout: 3 * headerTimeoutMs,
    connectionsCheckingInterval: headerTimeoutMs / 4,
    shouldUpgradeCallback: ({ url }: http.IncomingMessage) => Option.exists(upgrades, ({ isFor }) => isFor(url ?? ""))
  }
  if (Option.isNone(tls)) {
    return http.createServer(settings)
  }
  const { certificate } = tls.value
  const material = yield* certificate.current
  const server = https.createServer({
    ...settings,
    ...secureContextOf(tls.value, material),
    // Whether a certificate is good is decided with the request: a bad one gets a 401, not a broken handshake.
    requestCert: Option.isSome(material.clientCa),
    rejectUnauthorized: false,
    allowHalfOpen: true,
    handshakeTimeout: Math.min(handshakeTimeoutMs, headerTimeoutMs),
    ALPNProtocols: ["http/1.1"]
  })
  let clientCa = material.clientCa
  yield* certificate.changes.pipe(
    Stream.runForEach((next) =>
      Effect.sync(() => {
        server.setSecureContext(secureContextOf(tls.value, next))
        if (!sameCa(clientCa, next.clientCa)) {
          // Their certificates were checked against the CAs of before.
          clientCa = next.clientCa
          server.closeAllConnections()
        }
      })
    ),
    Effect.forkScoped
  )
  return server
})

const sameCa = (a: Option.Option<string>, b: Option.Option<string>): boolean =>
  Option.getOrElse(a, () => "") === Option.getOrElse(b, () => "")

const secureContextOf = (options: TlsOptions, { clientCa, pair }: TlsMaterial) => ({
  // Without a certificate every handshake fails, as with the kubelet while its request is not answered.
  ...Option.getOrElse(pair, () => ({})),
  // Without CAs of our own no certificate is trusted, not even one of the CAs that Node ships.
  ca: Option.match(clientCa, { onNone: () => [], onSome: (pem) => [pem] }),
  minVersion: Option.getOrElse(options.minVersion, (): SecureVersion => "TLSv1.2"),
  ...(options.cipherSuites.length === 0 ? {} : { ciphers: opensslCiphers(options.cipherSuites) }),
  ...(options.curves.length === 0 ? {} : { ecdhCurve: options.curves.join(":") }),
  // A resumed session would skip the check of the client's certificate.
  secureOptions: constants.SSL_OP_NO_TICKET
})

const open = (server: http.Server | https.Server, { address, port }: ListenOptions) =>
  Effect.callback<number, ListenError>((resume) => {
    const fail = (cause: Error) => resume(Effect.fail(new ListenError({ address, port, cause })))
    server.once("error", fail)
    server.listen({ host: address, port }, () => {
      server.off("error", fail)
      const bound = server.address()
      resume(Effect.succeed(typeof bound === "object" && bound !== null ? bound.port : port))
    })
  })
