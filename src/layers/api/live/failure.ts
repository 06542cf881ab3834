/** Says what a caller may do about an HTTP answer or a broken connection. */
import { Schema } from "effect"
import type { HttpClientError } from "effect/http"
import { NotFound, Permanent, Retryable, Uncertain } from "../../../domain/failure.ts"
import { AlreadyExists, ApiError, type ApiFailure, Conflict, Expired } from "../KubeApi.ts"

/** A call, as errors name it. */
export interface Call {
  readonly op: string
  readonly target: string
  /** A call that changes nothing can always be repeated. */
  readonly read: boolean
  /** The caller keeps a rate of its own: the client's limit is not for it. */
  readonly selfPaced?: boolean
}

/** The server's `Status` object: the body of every failure, and the object of a watch's ERROR event. */
export const Status = Schema.Struct({
  kind: Schema.Literal("Status"),
  status: Schema.optionalKey(Schema.String),
  message: Schema.optionalKey(Schema.String),
  reason: Schema.optionalKey(Schema.String),
  code: Schema.optionalKey(Schema.Number),
  details: Schema.optionalKey(Schema.Struct({ retryAfterSeconds: Schema.optionalKey(Schema.Number) }))
})
export type Status = typeof Status.Type

const retryable = (retryAfterMs: number | undefined) =>
  new Retryable(retryAfterMs === undefined ? {} : { retryAfterMs })

const reasonOf = (call: Call, code: number, statusReason: string, retryAfterMs: number | undefined): ApiFailure => {
  switch (code) {
    case 404:
      return new NotFound()
    case 409:
      return statusReason === "AlreadyExists" ? new AlreadyExists() : new Conflict()
    case 410:
      return new Expired()
    case 429:
    case 503:
      return retryable(retryAfterMs)
  }
  if (code >= 500) {
    // With a time to wait the server says that it did nothing.
    return call.read || retryAfterMs !== undefined ? retryable(retryAfterMs) : new Uncertain()
  }
  return new Permanent()
}

/** An answer of `code`, with the `Status` its body may have been. */
export const fromStatus = (call: Call, code: number, options: {
  readonly status?: Status
  /** The start of a body that is no `Status`. */
  readonly text?: string
  readonly retryAfterMs?: number
}): ApiError => {
  const { status } = options
  const seconds = status?.details?.retryAfterSeconds
  const retryAfterMs = options.retryAfterMs ?? (seconds === undefined || seconds === 0 ? undefined : seconds * 1000)
  const statusReason = status?.reason ?? ""
  const text = options.text?.trim() ?? ""
  return new ApiError({
    op: call.op,
    target: call.target,
    reason: reasonOf(call, code, statusReason, retryAfterMs),
    status: code,
    statusReason,
    detail: status?.message ?? (text === "" ? `the server answered ${code}` : text)
  })
}

/** An answer that is not what the API promises, such as the page of a proxy. */
export const fromGarbled = (call: Call, status: number, cause: Error): ApiError =>
  new ApiError({
    op: call.op,
    target: call.target,
    reason: call.read ? new Retryable({}) : new Uncertain(),
    status,
    statusReason: "",
    detail: `the answer is not an object of the API: ${cause.message}`,
    cause
  })

/** No answer within the deadline: the request may still be carried out. */
export const fromDeadline = (call: Call, timeoutMs: number): ApiError =>
  new ApiError({
    op: call.op,
    target: call.target,
    reason: call.read ? new Retryable({}) : new Uncertain(),
    status: 0,
    statusReason: "",
    detail: `no answer within ${timeoutMs} ms`
  })

/** Failed before anything was sent. */
export const fromNothingSent = (call: Call, cause: Error): ApiError =>
  new ApiError({
    op: call.op,
    target: call.target,
    reason: new Retryable({}),
    status: 0,
    statusReason: "",
    detail: cause.message,
    cause
  })

const codeOf = (cause: unknown): string =>
  typeof cause === "object" && cause !== null && "code" in cause && typeof cause.code === "string" ? cause.code : ""

/** Errors of name lookup, connecting and TLS: the server never read a request. */
const neverSent =
  /^(ECONNREFUSED|ENOTFOUND|EAI_\w+|EHOSTUNREACH|ENETUNREACH|EADDRNOTAVAIL|EACCES|EPERM|UND_ERR_CONNECT_TIMEOUT|UND_ERR_CLOSED|UND_ERR_PRX_TLS|UND_ERR_PROXY_CONNECT|ERR_TLS_\w+|ERR_SSL_\w+|ERR_OSSL_\w+|CERT_\w+|DEPTH_ZERO_\w+|SELF_SIGNED_\w+|UNABLE_TO_\w+|EPROTO)$/

const messageOf = (cause: unknown): string =>
  cause instanceof AggregateError
    ? cause.errors.map(messageOf).join("; ")
    : cause instanceof Error && cause.message !== ""
    ? cause.message
    : String(cause)

/** The connection failed: before the request was sent, or somewhere in the middle of it. */
export const fromTransport = (call: Call, error: HttpClientError.HttpClientError): ApiError => {
  const cause = "cause" in error.reason && error.reason.cause !== undefined ? error.reason.cause : error
  const refused = neverSent.test(codeOf(cause))
  return new ApiError({
    op: call.op,
    target: call.target,
    reason: call.read || refused ? new Retryable({}) : new Uncertain(),
    status: 0,
    statusReason: "",
    detail: messageOf(cause),
    cause
  })
}
