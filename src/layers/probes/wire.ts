/**
 * What every `Prober` makes of the network under it: which answers are a success, how long to wait, which redirects to
 * follow, and the words in which users read of failures. Implementations bring the network.
 */
import { Clock, Effect } from "effect"
import type { HttpTarget, Prober, ProbeReply, SocketTarget } from "./Prober.ts"
import { type Header, requestHeaders } from "./requestHeaders.ts"

/** A GET came to nothing. */
export interface GetFailure {
  /** As Go's client says it. */
  readonly detail: string
  /** The port was asked in TLS and speaks plain HTTP. */
  readonly plainHttp: boolean
}

/** A health check came to nothing. */
export interface HealthFailure {
  readonly why: "Unimplemented" | "TooLate" | "Unreachable" | "Other"
  readonly detail: string
}

type Headers = Readonly<Record<string, ReadonlyArray<string>>>

/** Go's words for a GET, and for a connection, that took too long. */
export const getTooLate: GetFailure = {
  detail: "context deadline exceeded (Client.Timeout exceeded while awaiting headers)",
  plainHttp: false
}
export const dialTooLate = "i/o timeout"

export interface Wire {
  /** One GET within the time; redirects are not followed. The body may be cut. */
  readonly get: (
    url: URL,
    headers: Headers,
    timeoutMs: number
  ) => Effect.Effect<{ readonly status: number; readonly body: string; readonly location?: string }, GetFailure>
  /** Opens a connection within the time and closes it; fails with Go's words. */
  readonly connect: (target: SocketTarget, timeoutMs: number) => Effect.Effect<void, string>
  /** The name of the status that the health service gives, within the time. */
  readonly health: (
    target: SocketTarget & { readonly service: string },
    timeoutMs: number
  ) => Effect.Effect<string, HealthFailure>
}

const maxRedirects = 10
/** What is kept of a body (parity H4). */
export const maxBodyBytes = 10 * 1024

const probeHeaders: ReadonlyArray<Header> = [
  { name: "User-Agent", value: "kube-probe/1.36" },
  { name: "Accept", value: "*/*" }
]
const hookHeaders: ReadonlyArray<Header> = [{ name: "User-Agent", value: "kube-lifecycle/1.36" }]

/** `host:port`, with brackets around an IPv6 address. */
export const hostPort = ({ host, port }: SocketTarget): string =>
  host.includes(":") ? `[${host}]:${port}` : `${host}:${port}`

const urlOf = (target: HttpTarget): string => `${target.scheme}://${hostPort(target)}${target.path}`

interface Answer {
  readonly status: number
  readonly body: string
  /** It redirects to another host, which is not followed. */
  readonly leavesHost: boolean
}

const success = (output: string): ProbeReply => ({ result: "success", output })
const failure = (output: string): ProbeReply => ({ result: "failure", output })

const isRedirect = (status: number): boolean => [301, 302, 303, 307, 308].includes(status)

/** Follows redirects within the host; the time is for all of them. */
const follow = Effect.fnUntraced(
  function*(wire: Wire, first: URL, headers: Headers, timeoutMs: number): Effect.fn.Return<Answer, GetFailure> {
    const clock = yield* Clock.Clock
    const deadlineMs = clock.currentTimeMillisUnsafe() + timeoutMs
    let url = first
    for (let hop = 0; hop <= maxRedirects; hop++) {
      const { body, location, status } = yield* wire.get(url, headers, deadlineMs - clock.currentTimeMillisUnsafe())
      if (location === undefined || !isRedirect(status) || !URL.canParse(location, url.href)) {
        return { status, body, leavesHost: false }
      }
      const next = new URL(location, url)
      if (next.hostname !== url.hostname) return { status, body, leavesHost: true }
      url = next
    }
    return yield* Effect.fail({ detail: `stopped after ${maxRedirects} redirects`, plainHttp: false })
  }
)

/** Made once for all runs of a probe: what does not change from run to run is worked out here. */
const get = (wire: Wire, target: HttpTarget, timeoutMs: number, defaults: ReadonlyArray<Header>) => {
  const address = urlOf(target)
  const url = URL.parse(address)
  const answer = url === null
    ? Effect.fail<GetFailure>({ detail: "invalid URL", plainHttp: false })
    : follow(wire, url, requestHeaders(target.headers, defaults), timeoutMs)
  return Effect.mapError(answer, ({ detail, plainHttp }): GetFailure => ({
    detail: `Get ${JSON.stringify(address)}: ${detail}`,
    plainHttp
  }))
}

/** 200–399 is a success; a redirect that leaves the host is one too, but worth telling (parity H4). */
const judge = ({ body, leavesHost, status }: Answer): ProbeReply => {
  if (leavesHost) return { result: "warning", output: `Probe terminated redirects, Response body: ${body}` }
  return status >= 200 && status < 400 ? success(body) : failure(`HTTP probe failed with statuscode: ${status}`)
}

// Without a span of their own: tries are many, nothing leads to them, and what they say is in events and metrics.
const http = (wire: Wire) => (target: HttpTarget, timeoutMs: number) =>
  get(wire, target, timeoutMs, probeHeaders).pipe(
    Effect.map(judge),
    Effect.catch(({ detail }) => Effect.succeed(failure(detail)))
  )

const hook = (wire: Wire) =>
  Effect.fn("Prober.hook")((target: HttpTarget, timeoutMs: number) =>
    get(wire, target, timeoutMs, hookHeaders).pipe(
      // A server that was asked in TLS and answers in plain HTTP is asked in plain HTTP (parity D13).
      Effect.catchIf(
        ({ plainHttp }) => plainHttp && target.scheme === "https",
        () => get(wire, { ...target, scheme: "http" }, timeoutMs, hookHeaders)
      ),
      Effect.map(({ body, status }) =>
        status < 400 ? success(body) : failure(`HTTP hook failed with statuscode: ${status}`)
      ),
      Effect.catch(({ detail }) => Effect.succeed(failure(detail)))
    )
  )

const tcp = (wire: Wire) => (target: SocketTarget, timeoutMs: number) =>
  wire.connect(target, timeoutMs).pipe(
    Effect.as(success("")),
    Effect.catch((detail) => Effect.succeed(failure(`dial tcp ${hostPort(target)}: ${detail}`)))
  )

const healthWords = ({ detail, why }: HealthFailure, address: string, timeoutMs: number): string => {
  switch (why) {
    case "Unimplemented":
      return `this server does not implement the grpc health protocol (grpc.health.v1.Health): ${detail}`
    case "TooLate":
      return `timeout: health rpc did not complete within ${timeoutMs / 1000}s`
    case "Unreachable":
      return `timeout: failed to connect service "${address}" within ${timeoutMs / 1000}s: ${detail}`
    case "Other":
      return `error: health rpc probe failed: ${detail}`
  }
}

const grpc = (wire: Wire) => (target: SocketTarget & { readonly service: string }, timeoutMs: number) =>
  wire.health(target, timeoutMs).pipe(
    Effect.map((status) =>
      status === "SERVING" ? success("service healthy") : failure(`service unhealthy (responded with "${status}")`)
    ),
    Effect.catch((failed) => Effect.succeed(failure(healthWords(failed, hostPort(target), timeoutMs))))
  )

export const makeProber = (wire: Wire): Prober["Service"] => ({
  http: http(wire),
  tcp: tcp(wire),
  grpc: grpc(wire),
  hook: hook(wire)
})
