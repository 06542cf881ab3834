/**
 * Sends one request: waits for the rate limit, adds the credential, keeps the deadline, and tries once more with a fresh
 * credential when the server answered 401.
 */
import { Clock, Effect, Option, Schema, type Stream } from "effect"
import { Headers, type HttpClientError, HttpClientRequest, type HttpClientResponse } from "effect/http"
import { RateLimiter } from "effect/persistence"
import type { ApiError } from "../KubeApi.ts"
import type { ServerAccess } from "../Kubeconfig.ts"
import type { Credentials } from "./credentials.ts"
import * as Failure from "./failure.ts"
import type { Transport } from "./transport.ts"

/** Waits until one more request may be sent; `qps` of 0 or less means no limit (A5). */
export const makeLimit = Effect.fnUntraced(function*(options: { readonly qps: number; readonly burst: number }) {
  const { qps } = options
  if (qps <= 0) return Effect.void
  const limit = Math.max(1, options.burst)
  const limiter = yield* RateLimiter.make.pipe(Effect.provide(RateLimiter.layerStoreMemory))
  return limiter.consume({
    key: "api",
    algorithm: "token-bucket",
    onExceeded: "delay",
    window: (limit / qps) * 1000,
    limit
  }).pipe(
    // A limiter in memory that delays has no way to fail.
    Effect.orDie,
    Effect.flatMap(({ delay }) => Effect.sleep(delay)),
    Effect.asVoid
  )
})

export interface SenderOptions {
  readonly access: ServerAccess
  readonly credentials: Credentials
  readonly transport: Transport
  /** Waited for before every call that does not keep a rate of its own. */
  readonly limit: Effect.Effect<void>
  readonly timeoutMs: number
  readonly userAgent: string
  /** Told of calls that got no answer, and of those that did. */
  readonly onPath: (answered: boolean) => Effect.Effect<void>
}

interface Opened {
  readonly status: number
  readonly response: HttpClientResponse.HttpClientResponse
  readonly replaced: Effect.Effect<void>
}

export interface LongAnswer {
  readonly bytes: Stream.Stream<Uint8Array, HttpClientError.HttpClientError>
  /** Ends when the credential that the answer was got with is replaced. */
  readonly replaced: Effect.Effect<void>
}

export interface Reply {
  readonly status: number
  readonly headers: Headers.Headers
  readonly body: Uint8Array
}

const retryAfterMs = (headers: Headers.Headers, now: number): number | undefined => {
  const value = Option.getOrUndefined(Headers.get(headers, "retry-after"))
  if (value === undefined) return undefined
  if (/^\d+$/.test(value)) return Number(value) * 1000
  const at = Date.parse(value)
  return Number.isNaN(at) ? undefined : Math.max(0, at - now)
}

const decodeStatus = Schema.decodeUnknownOption(Schema.fromJsonString(Schema.toCodecGoJson(Failure.Status)))

const text = new TextDecoder()

/** The error that a reply of 400 and more stands for. */
export const replyError = (call: Failure.Call, reply: Reply): Effect.Effect<ApiError> =>
  Effect.map(Clock.currentTimeMillis, (now) => {
    const body = text.decode(reply.body)
    const status = decodeStatus(body)
    const wait = retryAfterMs(reply.headers, now)
    return Failure.fromStatus(call, reply.status, {
      ...(Option.isSome(status) ? { status: status.value } : { text: body.slice(0, 512) }),
      ...(wait !== undefined && { retryAfterMs: wait })
    })
  })

export type Sender = ReturnType<typeof makeSender>

export const makeSender = (options: SenderOptions) => {
  const { access, credentials, transport, timeoutMs } = options

  /** Up to the headers of the answer. */
  const open = Effect.fnUntraced(function*(call: Failure.Call, request: HttpClientRequest.HttpClientRequest) {
    const { authorization, tls } = yield* credentials.current.pipe(
      Effect.mapError((cause) => Failure.fromNothingSent(call, cause))
    )
    const { client, replaced } = yield* transport.line(tls)
    const response = yield* client.execute(request.pipe(
      HttpClientRequest.prependUrl(access.server),
      HttpClientRequest.setHeaders({
        "user-agent": options.userAgent,
        ...(authorization !== undefined && { authorization })
      })
    )).pipe(Effect.mapError((error) => Failure.fromTransport(call, error)))
    // A turn of the event loop, in which the connection tells that the request is written: Effect's client breaks the
    // connection of one whose answer ends before that (platform-node 4.1.0), and the next request would open another.
    yield* Effect.yieldNow
    return { status: response.status, response, replaced }
  })

  const withDeadline = (call: Failure.Call) => <A>(effect: Effect.Effect<A, ApiError>) =>
    Effect.timeoutOrElse(effect, {
      duration: timeoutMs,
      orElse: () => Effect.fail(Failure.fromDeadline(call, timeoutMs))
    }).pipe(
      Effect.tap(() => options.onPath(true)),
      Effect.tapError((error) => error.status === 0 ? options.onPath(false) : Effect.void)
    )

  const readReply = (call: Failure.Call) => ({ response }: Opened) =>
    response.arrayBuffer.pipe(
      Effect.mapError((error) => Failure.fromTransport(call, error)),
      Effect.map((buffer): Reply => ({
        status: response.status,
        headers: response.headers,
        body: new Uint8Array(buffer)
      }))
    )

  /** Runs `attempt` again with fresh credentials if the server did not know the first ones. */
  const authenticated = <A extends { readonly status: number }>(attempt: Effect.Effect<A, ApiError>) =>
    Effect.flatMap(attempt, (answer) =>
      answer.status === 401
        ? Effect.andThen(credentials.refresh, attempt)
        : Effect.succeed(answer))

  return {
    /** The whole answer, of whatever status. */
    exchange: (call: Failure.Call, request: HttpClientRequest.HttpClientRequest): Effect.Effect<Reply, ApiError> =>
      (call.selfPaced === true ? Effect.void : options.limit).pipe(
        Effect.andThen(authenticated(open(call, request).pipe(Effect.flatMap(readReply(call)), withDeadline(call))))
      ),

    /** A successful answer as it comes; only its headers are awaited with a deadline. */
    stream: (
      call: Failure.Call,
      request: HttpClientRequest.HttpClientRequest
    ): Effect.Effect<LongAnswer, ApiError> =>
      options.limit.pipe(
        Effect.andThen(authenticated(withDeadline(call)(open(call, request)))),
        Effect.flatMap((opened) =>
          opened.status === 200
            ? Effect.succeed({ bytes: opened.response.stream, replaced: opened.replaced })
            : readReply(call)(opened).pipe(
              withDeadline(call),
              Effect.flatMap((reply) => Effect.flatMap(replyError(call, reply), Effect.fail))
            )
        )
      )
  }
}
