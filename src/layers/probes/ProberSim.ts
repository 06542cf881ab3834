/** Probes over a network that is made up: whoever simulates the containers says who listens and what they answer. */
import { Clock, Effect, Layer, Random } from "effect"
import { Prober, type SocketTarget } from "./Prober.ts"
import { type GetFailure, type HealthFailure, hostPort, makeProber, maxBodyBytes, type Wire } from "./wire.ts"

export type SimRequest =
  | {
    readonly kind: "http"
    readonly port: number
    readonly path: string
    readonly scheme: "http" | "https"
    readonly headers: Readonly<Record<string, ReadonlyArray<string>>>
  }
  | { readonly kind: "tcp"; readonly port: number }
  | { readonly kind: "grpc"; readonly port: number; readonly service: string }

export interface SimReply {
  /** False: nothing listens on the port. */
  readonly listening: boolean
  /** From the request to the answer; `Infinity` never answers. */
  readonly tookMs?: number
  /** HTTP status; 200 when absent. */
  readonly status?: number
  readonly body?: string
  readonly location?: string
  /** The scheme that the server speaks; the one asked for when absent. */
  readonly scheme?: "http" | "https"
  /** gRPC health; serving when absent. */
  readonly serving?: boolean
  /** The server knows the gRPC health protocol, and the service asked for; so it does when absent. */
  readonly implemented?: boolean
  readonly knowsService?: boolean
}

/** Who is at an address; undefined where nobody is. */
export type SimNetwork = (host: string, request: SimRequest, nowMs: number) => SimReply | undefined

export interface ProberSimOptions {
  readonly network: SimNetwork
  /** Added to every answer: shortest and longest time. */
  readonly latencyMs?: readonly [min: number, max: number]
}

/** How long the kernel looks for a neighbour that does not answer. */
const neighbourTimeoutMs = 3000

const refused = "connect: connection refused"

/** The answer, after its time; fails with Go's words where there is none. */
const ask = Effect.fnUntraced(function*(options: ProberSimOptions, host: string, request: SimRequest) {
  const reply = options.network(host, request, yield* Clock.currentTimeMillis)
  if (reply === undefined) {
    yield* Effect.sleep(neighbourTimeoutMs)
    return yield* Effect.fail("connect: no route to host")
  }
  const [min, max] = options.latencyMs ?? [0, 0]
  yield* Effect.sleep(min + Math.floor((yield* Random.next) * (max - min + 1)))
  if (!reply.listening) return yield* Effect.fail(refused)
  // A connection is open before its server has thought about the answer.
  if (request.kind === "tcp") return reply
  if (reply.tookMs === Number.POSITIVE_INFINITY) return yield* Effect.never
  yield* Effect.sleep(reply.tookMs ?? 0)
  return reply
})

const schemeMismatch = (url: URL, reply: SimReply): GetFailure | undefined => {
  if (reply.scheme === undefined || `${reply.scheme}:` === url.protocol) return undefined
  return reply.scheme === "http"
    ? { detail: "http: server gave HTTP response to HTTPS client", plainHttp: true }
    : { detail: "net/http: malformed HTTP response (Parse Error: Expected HTTP/)", plainHttp: false }
}

const wireOf = (options: ProberSimOptions): Wire => {
  const get: Wire["get"] = Effect.fnUntraced(function*(url, headers) {
    const scheme = url.protocol === "https:" ? "https" : "http"
    const target: SocketTarget = {
      host: url.hostname.replace(/^\[|\]$/g, ""),
      port: Number(url.port || (scheme === "https" ? 443 : 80))
    }
    const reply = yield* ask(options, target.host, {
      kind: "http",
      port: target.port,
      path: url.pathname + url.search,
      scheme,
      headers
    }).pipe(
      Effect.mapError((words): GetFailure => ({ detail: `dial tcp ${hostPort(target)}: ${words}`, plainHttp: false }))
    )
    const mismatch = schemeMismatch(url, reply)
    if (mismatch !== undefined) return yield* Effect.fail(mismatch)
    const { body = "", location, status = 200 } = reply
    return { status, body: body.slice(0, maxBodyBytes), ...(location === undefined ? {} : { location }) }
  })

  const health: Wire["health"] = ({ host, port, service }, timeoutMs) =>
    ask(options, host, { kind: "grpc", port, service }).pipe(
      Effect.mapError((detail): HealthFailure => ({ why: "Unreachable", detail })),
      Effect.flatMap(({ implemented = true, knowsService = true, serving = true }) => {
        if (!implemented) return Effect.fail<HealthFailure>({ why: "Unimplemented", detail: "unknown service" })
        if (!knowsService) return Effect.fail<HealthFailure>({ why: "Other", detail: "unknown service" })
        return Effect.succeed(serving ? "SERVING" : "NOT_SERVING")
      }),
      Effect.timeoutOrElse({
        duration: timeoutMs,
        orElse: () => Effect.fail<HealthFailure>({ why: "TooLate", detail: "Deadline exceeded" })
      })
    )

  return {
    get,
    health,
    connect: ({ host, port }) => Effect.asVoid(ask(options, host, { kind: "tcp", port }))
  }
}

export const layer = (options: ProberSimOptions): Layer.Layer<Prober> =>
  Layer.succeed(Prober, Prober.of(makeProber(wireOf(options))))
