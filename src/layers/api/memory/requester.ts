/** Who sends an HTTP request: the owner of its bearer token or of its client certificate. */
import { Result } from "effect"
import type { Socket } from "node:net"
import { TLSSocket } from "node:tls"
import * as Refusals from "./refusal.ts"
import { type Identity, loopback, type State } from "./state.ts"
import { identify } from "./tokens.ts"
import type { Outcome } from "./verbCreate.ts"

const texts = (value: string | ReadonlyArray<string> | undefined): ReadonlyArray<string> =>
  value === undefined ? [] : typeof value === "string" ? [value] : value

/** What a request shows of its sender. */
export interface Shown {
  readonly headers: { readonly authorization?: string | undefined }
  readonly socket: Socket
}

const certified = ({ socket }: Shown, nowMs: number): Identity | undefined => {
  if (!(socket instanceof TLSSocket) || !socket.authorized) return undefined
  const { subject, valid_to: validTo } = socket.getPeerCertificate()
  // It was good when the connection was made, which may be long ago.
  if (nowMs > Date.parse(validTo)) return undefined
  const [username] = texts(subject?.CN)
  return username === undefined
    ? undefined
    : { username, groups: [...texts(subject.O), "system:authenticated"] }
}

const bearer = /^Bearer\s+(\S+)\s*$/i

/** With `required`, whoever shows neither a known token nor a certificate is turned away; else he may do what he likes. */
export const requesterOf = (state: State, request: Shown, required: boolean): Outcome<Identity> => {
  const token = bearer.exec(request.headers.authorization ?? "")?.[1]
  const identity = (token === undefined ? undefined : identify(state, token)?.identity) ??
    certified(request, state.clock.currentTimeMillisUnsafe())
  if (identity !== undefined) return Result.succeed(identity)
  return required ? Result.fail(Refusals.unauthorized()) : Result.succeed(loopback)
}
