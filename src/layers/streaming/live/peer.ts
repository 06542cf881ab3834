/** What a connection says about who is at its other end: the client certificate as TLS has checked it. */
import { Option } from "effect"
import type { IncomingMessage } from "node:http"
import { TLSSocket } from "node:tls"
import { bearerToken } from "../../../domain/auth/credentials.ts"
import type { ClientCertificate, Credentials } from "../Access.ts"

export const credentialsOf = (request: IncomingMessage, nowMs: number): Credentials => ({
  certificate: certificateOf(request, nowMs),
  token: Option.fromUndefinedOr(bearerToken({
    authorization: request.headers.authorization,
    "sec-websocket-protocol": request.headers["sec-websocket-protocol"]
  }))
})

const certificateOf = ({ socket }: IncomingMessage, nowMs: number): Option.Option<ClientCertificate> => {
  if (!(socket instanceof TLSSocket)) {
    return Option.none()
  }
  const certificate = socket.getPeerCertificate()
  // Without a certificate Node gives an empty object.
  if (Object.keys(certificate).length === 0) {
    return Option.none()
  }
  if (!socket.authorized) {
    return Option.some({ _tag: "Untrusted", why: String(socket.authorizationError) })
  }
  // A connection may outlive the certificate it began with.
  if (!(nowMs <= Date.parse(certificate.valid_to))) {
    return Option.some({ _tag: "Untrusted", why: "CERT_HAS_EXPIRED" })
  }
  return Option.some({
    _tag: "Trusted",
    commonName: values(certificate.subject.CN).at(-1) ?? "",
    organizations: values(certificate.subject.O),
    fingerprint: certificate.fingerprint256.replaceAll(":", "").toLowerCase()
  })
}

const values = (value: string | ReadonlyArray<string> | undefined): ReadonlyArray<string> =>
  value === undefined ? [] : typeof value === "string" ? [value] : value
