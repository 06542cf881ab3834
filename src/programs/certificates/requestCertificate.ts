/**
 * Asks the API server for one certificate and waits until somebody has approved and signed it (A11). Nothing is left
 * running; what was asked for stays at the server, which forgets it by itself.
 */
import { Effect, Option, Schema, Stream } from "effect"
import * as Base64 from "effect/encoding/Base64"
import { requestName, signingRequest, usagesFor, verdictOf } from "../../domain/certificates/signingRequest.ts"
import type { Template } from "../../domain/certificates/template.ts"
import { certificateSigningRequests } from "../../domain/k8s/resources.ts"
import { KubeApi } from "../../layers/api/KubeApi.ts"
import { X509 } from "../../layers/certificates/X509.ts"
import { Change, reflect } from "../api/reflector.ts"

/** The request was answered, but not with a certificate, or not in time. */
export class NotSigned extends Schema.TaggedError<NotSigned>()("NotSigned", {
  request: Schema.String,
  what: Schema.Literals(["denied", "failed", "deleted", "not answered"]),
  detail: Schema.String
}) {
  override get message(): string {
    return `certificate signing request ${this.request} was ${this.what}${this.detail === "" ? "" : `: ${this.detail}`}`
  }
}

export interface Asked {
  readonly template: Template
  /** PEM */
  readonly key: string
  /** Make the request under a name that follows from the key, and take up one that is there already. */
  readonly resumable: boolean
  /** For the answer. */
  readonly waitMs: number
  /** Run once the server has the request. */
  readonly submitted: Effect.Effect<void>
}

/** PEM of the certificate, its chain after it. */
export const requestCertificate = Effect.fn("requestCertificate")(function*(asked: Asked) {
  const request = yield* submit(asked)
  const name = request.metadata.name ?? ""
  yield* asked.submitted
  yield* Effect.logInfo(`Asked for a certificate by request ${name}`, { signer: asked.template.signerName })
  const answer = yield* decision(name).pipe(
    Effect.timeoutOrElse({
      duration: asked.waitMs,
      orElse: () => Effect.fail(new NotSigned({ request: name, what: "not answered", detail: "" }))
    })
  )
  return yield* Effect.fromResult(Base64.decodeString(answer)).pipe(
    Effect.mapError(() => new NotSigned({ request: name, what: "failed", detail: "the certificate is not base64" }))
  )
})

const decodeJson = Schema.decodeUnknownOption(Schema.fromJsonString(Schema.Unknown))

/** Undefined where the server does not say: it is taken for a new one. */
const serverVersion = Effect.gen(function*() {
  const api = yield* KubeApi
  const answer = yield* Effect.option(api.request({ method: "GET", path: "/version" }))
  return Option.flatMap(answer, ({ body }) => decodeJson(new TextDecoder().decode(body))).pipe(Option.getOrUndefined)
})

const submit = Effect.fnUntraced(function*({ key, resumable, template }: Asked) {
  const api = yield* KubeApi
  const x509 = yield* X509
  const request = Base64.encode(yield* x509.request(key, template))
  const content = { template, request, usages: usagesFor(template, yield* serverVersion) }
  if (!resumable) return yield* api.create(certificateSigningRequests, signingRequest(content))
  const name = requestName(yield* x509.fingerprint(key), template)
  return yield* api.create(certificateSigningRequests, signingRequest({ ...content, name })).pipe(
    Effect.catchReason("ApiError", "AlreadyExists", () => api.get(certificateSigningRequests, { name }))
  )
})

/** What somebody decided of the request: the certificate, as the server has it. */
const decision = Effect.fnUntraced(function*(name: string) {
  const told = yield* reflect(certificateSigningRequests, { fieldSelector: `metadata.name=${name}` }).pipe(
    Stream.map(Change.$match({
      Snapshot: ({ objects }) => objects[0] === undefined ? deleted : verdictOf(objects[0]),
      Upsert: ({ object }) => verdictOf(object),
      Remove: () => deleted
    })),
    Stream.filter((verdict) => verdict._tag !== "Pending"),
    Stream.runHead
  )
  const verdict = Option.getOrElse(told, () => deleted)
  const fail = (what: NotSigned["what"], detail: string) => Effect.fail(new NotSigned({ request: name, what, detail }))
  switch (verdict._tag) {
    case "Issued":
      return verdict.certificate
    case "Denied":
      return yield* fail("denied", said(verdict))
    case "Failed":
      return yield* fail("failed", said(verdict))
    default:
      return yield* fail("deleted", "")
  }
})

const deleted = { _tag: "Deleted" } as const

const said = ({ message, reason }: { readonly message: string; readonly reason: string }): string =>
  [reason, message].filter((part) => part !== "").join(": ")
