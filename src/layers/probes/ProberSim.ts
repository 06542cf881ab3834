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

/** Who answers that at an address: found once for all times at which it is asked. Undefined where nobody is. */
export type SimNetwork = (host: string, request: NetworkRequest) => (nowMs: number) => NetworkReply | undefined

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
  readonly answered: (reply: NetworkReply) => Effect.Effect<A, E>
  readonly unanswered: (why: NoAnswer) => Effect.Effect<never, E>
}

type Ask<A, E> = (timeoutMs: number, clock: Clock.Clock) => Effect.Effect<A, E>

/** How to ask; the answer comes after its time. What a simulation knows before is waited for once, however many thousand probes there are. */
const asking = <A, E>(
  { latencyMs: [min, max] = [0, 0], network }: ProberSimOptions,
  host: string,
  request: NetworkRequest,
  { answered, unanswered }: Hearing<A, E>
): Ask<A, E> => {
  const replyAt = network(host, request)
  const after = (latencyMs: number, timeoutMs: number, clock: Clock.Clock) => {
    const reply = replyAt(clock.currentTimeMillisUnsafe())
    const waitMs = tookMs(latencyMs, request, reply)
    const end = waitMs > timeoutMs
      ? unanswered(undefined)
      : reply === undefined
      ? unanswered("connect: no route to host")
      : reply.listening
      ? answered(reply)
      : unanswered(refused)
    return waitMs > 0 ? Effect.andThen(Effect.sleep(Math.min(waitMs, timeoutMs)), end) : end
  }
  if (max === min) return (timeoutMs, clock) => after(min, timeoutMs, clock)
  return (timeoutMs, clock) =>
    Effect.flatMap(Random.next, (dice) => after(min + Math.floor(dice * (max - min + 1)), timeoutMs, clock))
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
    const unanswered = (words: NoAnswer): Effect.Effect<never, GetFailure> =>
      Effect.fail(
        words === undefined ? getTooLate : { detail: `dial tcp ${hostPort(target)}: ${words}`, plainHttp: false }
      )
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
    return asking(options, target.host, request, { unanswered, answered })
  }

  const health: Wire["health"] = ({ host, port, service }, timeoutMs) => {
    const unanswered = (words: NoAnswer): Effect.Effect<never, HealthFailure> =>
      Effect.fail(
        words === undefined ? { why: "TooLate", detail: "Deadline exceeded" } : { why: "Unreachable", detail: words }
      )
    const answered = ({ implemented = true, knowsService = true, serving = true }: NetworkReply) => {
      if (!implemented) return Effect.fail<HealthFailure>({ why: "Unimplemented", detail: "unknown service" })
      if (!knowsService) return Effect.fail<HealthFailure>({ why: "Other", detail: "unknown service" })
      return Effect.succeed(serving ? "SERVING" : "NOT_SERVING")
    }
    const ask = asking(options, host, { kind: "grpc", port, service }, { unanswered, answered })
    return Effect.clockWith((clock) => ask(timeoutMs, clock))
  }

  const connect: Wire["connect"] = ({ host, port }, timeoutMs) => {
    const ask = asking(options, host, { kind: "tcp", port }, {
      unanswered: (words) => Effect.fail(words ?? dialTooLate),
      answered: () => Effect.void
    })
    return Effect.clockWith((clock) => ask(timeoutMs, clock))
  }

  return { get, health, connect }
}

export const layer = (options: ProberSimOptions): Layer.Layer<Prober> =>
  Layer.succeed(Prober, Prober.of(makeProber(wireOf(options))))
