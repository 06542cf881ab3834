/**
 * What every `Prober` makes of the network under it: which answers are a success, how long to wait, which redirects to
 * follow, and the words in which users read of failures. Implementations bring the network.
 */
import { type Clock, Effect } from "effect"
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
  /**
   * How to GET from there: made once, and each call is one GET within the time, by the clock given. Redirects are not
   * followed. The body may be cut.
   */
  readonly get: (url: URL, headers: Headers) => (
    timeoutMs: number,
    clock: Clock.Clock
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
const follow = (wire: Wire, first: URL, headers: Headers, timeoutMs: number): Effect.Effect<Answer, GetFailure> => {
  const getFirst = wire.get(first, headers)
  return Effect.clockWith((clock) => {
    const deadlineMs = clock.currentTimeMillisUnsafe() + timeoutMs
    const from = (url: URL, get: typeof getFirst, hopsLeft: number): Effect.Effect<Answer, GetFailure> =>
      // Eager: what a simulated network knows at once needs no step of its own.
      Effect.flatMapEager(get(deadlineMs - clock.currentTimeMillisUnsafe(), clock), ({ body, location, status }) => {
        if (location === undefined || !isRedirect(status) || !URL.canParse(location, url.href)) {
          return Effect.succeed({ status, body, leavesHost: false })
        }
        const next = new URL(location, url)
        if (next.hostname !== url.hostname) return Effect.succeed({ status, body, leavesHost: true })
        return hopsLeft === 0
          ? Effect.fail({ detail: `stopped after ${maxRedirects} redirects`, plainHttp: false })
          : from(next, wire.get(next, headers), hopsLeft - 1)
      })
    return from(first, getFirst, maxRedirects)
  })
}

interface Get {
  readonly answer: Effect.Effect<Answer, GetFailure>
  /** The failure as users read it. */
  readonly words: (failure: GetFailure) => string
}

/** Made once for all runs of a probe: what does not change from run to run is worked out here. */
const get = (wire: Wire, target: HttpTarget, timeoutMs: number, defaults: ReadonlyArray<Header>): Get => {
  const address = urlOf(target)
  const url = URL.parse(address)
  return {
    answer: url === null
      ? Effect.fail({ detail: "invalid URL", plainHttp: false })
      : follow(wire, url, requestHeaders(target.headers, defaults), timeoutMs),
    words: ({ detail }) => `Get ${JSON.stringify(address)}: ${detail}`
  }
}

/** 200–399 is a success; a redirect that leaves the host is one too, but worth telling (parity H4). */
const judge = ({ body, leavesHost, status }: Answer): ProbeReply => {
  if (leavesHost) return { result: "warning", output: `Probe terminated redirects, Response body: ${body}` }
  return status >= 200 && status < 400 ? success(body) : failure(`HTTP probe failed with statuscode: ${status}`)
}

// Without a span of their own: tries are many, nothing leads to them, and what they say is in events and metrics.
const http = (wire: Wire) => (target: HttpTarget, timeoutMs: number) => {
  const { answer, words } = get(wire, target, timeoutMs, probeHeaders)
  return Effect.matchEager(answer, { onFailure: (failed) => failure(words(failed)), onSuccess: judge })
}

const judgeHook = ({ body, status }: Answer): ProbeReply =>
  status < 400 ? success(body) : failure(`HTTP hook failed with statuscode: ${status}`)

const hook = (wire: Wire) =>
  Effect.fn("Prober.hook")((target: HttpTarget, timeoutMs: number) => {
    const ask = ({ answer, words }: Get, otherwise: (failed: GetFailure) => Effect.Effect<ProbeReply> | undefined) =>
      Effect.matchEffect(answer, {
        onFailure: (failed) => otherwise(failed) ?? Effect.succeed(failure(words(failed))),
        onSuccess: (answered) => Effect.succeed(judgeHook(answered))
      })
    const plain: HttpTarget = { ...target, scheme: "http" }
    return ask(
      get(wire, target, timeoutMs, hookHeaders),
      // A server that was asked in TLS and answers in plain HTTP is asked in plain HTTP (parity D13).
      ({ plainHttp }) =>
        plainHttp && target.scheme === "https"
          ? ask(get(wire, plain, timeoutMs, hookHeaders), () => undefined)
          : undefined
    )
  })

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
