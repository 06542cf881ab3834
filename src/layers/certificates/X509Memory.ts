/**
 * Certificates that are nothing but their content, for simulated nodes: a key is a number, a request and a certificate
 * are JSON in the place of ASN.1, and whoever has a request can sign it with `certify`.
 */
import { Effect, Layer, Result, Schema } from "effect"
import { type Subject, X509, X509Error } from "./X509.ts"

const strings = Schema.Array(Schema.String)
const Content = Schema.fromJsonString(Schema.Struct({
  key: Schema.String,
  commonName: Schema.String,
  organization: Schema.String,
  dnsNames: strings,
  ips: strings,
  notBeforeMs: Schema.Number,
  notAfterMs: Schema.Number
}))
type Content = typeof Content.Type

const block = (label: string, content: string): string =>
  `-----BEGIN ${label}-----\n${btoa(content)}\n-----END ${label}-----\n`

const inner = (label: string, pem: string): string | undefined =>
  new RegExp(`-----BEGIN ${label}-----\\n([A-Za-z0-9+/=]*)\\n-----END ${label}-----`).exec(pem)?.[1]

const decode = (label: string, pem: string): Result.Result<Content, X509Error> => {
  const found = inner(label, pem)
  if (found === undefined) return Result.fail(new X509Error({ op: "read", detail: `no ${label} in it` }))
  return Schema.decodeResult(Content)(atob(found)).pipe(
    Result.mapError((cause) => new X509Error({ op: "read", detail: `${label} is torn`, cause }))
  )
}

const certificate = "CERTIFICATE"
const certificateRequest = "CERTIFICATE REQUEST"
const privateKey = "EC PRIVATE KEY"

/** The certificate that a request asks for. */
export const certify = (
  request: string,
  validity: { readonly notBeforeMs: number; readonly notAfterMs: number }
): Result.Result<string, X509Error> =>
  Result.map(
    decode(certificateRequest, request),
    (content) => block(certificate, JSON.stringify({ ...content, ...validity }))
  )

const keyOf = (pem: string) =>
  Effect.suspend(() => {
    const found = inner(privateKey, pem)
    return found === undefined
      ? Effect.fail(new X509Error({ op: "read", detail: "no key in it" }))
      : Effect.succeed(atob(found))
  })

export const layer: Layer.Layer<X509> = Layer.sync(X509)(() => {
  let made = 0
  return X509.of({
    newKey: Effect.sync(() => block(privateKey, `key-${++made}`)),
    request: (key: string, subject: Subject) =>
      Effect.map(
        keyOf(key),
        (name) => block(certificateRequest, JSON.stringify({ ...subject, key: name, notBeforeMs: 0, notAfterMs: 0 }))
      ),
    fingerprint: keyOf,
    read: (pem) =>
      Effect.map(Effect.fromResult(decode(certificate, pem)), (content) => {
        const { key: _, organization, ...facts } = content
        return { ...facts, organizations: [organization] }
      }),
    checkPair: Effect.fnUntraced(function*({ cert, key }) {
      const content = yield* Effect.fromResult(decode(certificate, cert))
      const name = yield* keyOf(key)
      if (content.key !== name) return yield* new X509Error({ op: "check", detail: "the key is another one's" })
    })
  })
})
