/** Probes over a network that is made up: whoever simulates the containers says who listens and what they answer. */
import { type Clock, Effect, Layer, Random } from "effect"
import type { NetworkReply, NetworkRequest } from "../../domain/probes/network.ts"
import { Prober, type SocketTarget } from "./Prober.ts"
import {
  dialTooLate,
  type GetFailure,
  getTooLate,
  type HealthFailure,
  hostPort,
  makeProber,
  maxBodyBytes,
  type Wire
} from "./wire.ts"

/** Who is at an address; undefined where nobody is. */
export type SimNetwork = (host: string, request: NetworkRequest, nowMs: number) => NetworkReply | undefined

export interface ProberSimOptions {
  readonly network: SimNetwork
  /** Added to every answer: shortest and longest time. */
  readonly latencyMs?: readonly [min: number, max: number]
}

/** How long the kernel looks for a neighbour that does not answer. */
const neighbourTimeoutMs = 3000

const refused = "connect: connection refused"

/** Why there is no answer, as Go says it; `undefined`: because nobody waited for it any longer. */
type NoAnswer = string | undefined

/** How long the asker has to wait; a connection is open before its server has thought about the answer. */
const tookMs = (latencyMs: number, request: NetworkRequest, reply: NetworkReply | undefined): number => {
  if (reply === undefined) return neighbourTimeoutMs
  return latencyMs + (request.kind === "tcp" || !reply.listening ? 0 : reply.tookMs ?? 0)
}

interface Hearing<A, E> {
  readonly timeoutMs: number
  readonly answered: (reply: NetworkReply) => Effect.Effect<A, E>
  readonly unanswered: (why: NoAnswer) => E
}

/** The answer, after its time; to be run at once. What a simulation knows before is waited for once, however many thousand probes there are. */
const ask = <A, E>(
  { latencyMs: [min, max] = [0, 0], network }: ProberSimOptions,
  host: string,
  request: NetworkRequest,
  clock: Clock.Clock,
  { answered, timeoutMs, unanswered }: Hearing<A, E>
): Effect.Effect<A, E> => {
  const after = (latencyMs: number) => {
    const reply = network(host, request, clock.currentTimeMillisUnsafe())
    const waitMs = tookMs(latencyMs, request, reply)
    const end = waitMs > timeoutMs
      ? Effect.fail(unanswered(undefined))
      : reply === undefined
      ? Effect.fail(unanswered("connect: no route to host"))
      : reply.listening
      ? answered(reply)
      : Effect.fail(unanswered(refused))
    return waitMs > 0 ? Effect.andThen(Effect.sleep(Math.min(waitMs, timeoutMs)), end) : end
  }
  return max > min
    ? Effect.flatMap(Random.next, (dice) => after(min + Math.floor(dice * (max - min + 1))))
    : after(min)
}

const schemeMismatch = (url: URL, reply: NetworkReply): GetFailure | undefined => {
  if (reply.scheme === undefined || `${reply.scheme}:` === url.protocol) return undefined
  return reply.scheme === "http"
    ? { detail: "http: server gave HTTP response to HTTPS client", plainHttp: true }
    : { detail: "net/http: malformed HTTP response (Parse Error: Expected HTTP/)", plainHttp: false }
}

const wireOf = (options: ProberSimOptions): Wire => {
  const get: Wire["get"] = (url, headers) => {
    const scheme = url.protocol === "https:" ? "https" : "http"
    const target: SocketTarget = {
      host: url.hostname.replace(/^\[|\]$/g, ""),
      port: Number(url.port || (scheme === "https" ? 443 : 80))
    }
    const request: NetworkRequest = {
      kind: "http",
      port: target.port,
      path: url.pathname + url.search,
      scheme,
      headers
    }
    const unanswered = (words: NoAnswer): GetFailure =>
      words === undefined ? getTooLate : { detail: `dial tcp ${hostPort(target)}: ${words}`, plainHttp: false }
    const answered = (reply: NetworkReply) => {
      const mismatch = schemeMismatch(url, reply)
      if (mismatch !== undefined) return Effect.fail(mismatch)
      const { body = "", location, status = 200 } = reply
      return Effect.succeed({
        status,
        body: body.slice(0, maxBodyBytes),
        ...(location === undefined ? {} : { location })
      })
    }
    return (timeoutMs, clock) => ask(options, target.host, request, clock, { timeoutMs, unanswered, answered })
  }

  const health: Wire["health"] = ({ host, port, service }, timeoutMs) =>
    Effect.clockWith((clock) =>
      ask(options, host, { kind: "grpc", port, service }, clock, {
        timeoutMs,
        unanswered: (words): HealthFailure =>
          words === undefined ? { why: "TooLate", detail: "Deadline exceeded" } : { why: "Unreachable", detail: words },
        answered: ({ implemented = true, knowsService = true, serving = true }) => {
          if (!implemented) return Effect.fail<HealthFailure>({ why: "Unimplemented", detail: "unknown service" })
          if (!knowsService) return Effect.fail<HealthFailure>({ why: "Other", detail: "unknown service" })
          return Effect.succeed(serving ? "SERVING" : "NOT_SERVING")
        }
      })
    )

  const connect: Wire["connect"] = ({ host, port }, timeoutMs) =>
    Effect.clockWith((clock) =>
      ask(options, host, { kind: "tcp", port }, clock, {
        timeoutMs,
        unanswered: (words) => words ?? dialTooLate,
        answered: () => Effect.void
      })
    )

  return { get, health, connect }
}

export const layer = (options: ProberSimOptions): Layer.Layer<Prober> =>
  Layer.succeed(Prober, Prober.of(makeProber(wireOf(options))))
