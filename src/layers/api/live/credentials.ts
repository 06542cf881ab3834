/** What the agent presents to the API server at this moment: TLS material and the `Authorization` header. */
import { Effect, FileSystem, type PlatformError } from "effect"
import type { Material, ServerAccess, UserAccess } from "../Kubeconfig.ts"
import * as ExecPlugin from "./execPlugin.ts"
import * as FreshFile from "./freshFile.ts"

export interface TlsMaterial {
  readonly ca?: string
  readonly cert?: string
  readonly key?: string
}

export interface Presented {
  readonly tls: TlsMaterial
  readonly authorization?: string
}

export type CredentialError = PlatformError.PlatformError | ExecPlugin.ExecPluginError

export interface Credentials {
  readonly current: Effect.Effect<Presented, CredentialError>
  /** The server refused what was presented: look at files and plugins again. */
  readonly refresh: Effect.Effect<void>
}

export const make = Effect.fnUntraced(function*(access: ServerAccess) {
  const fs = yield* FileSystem.FileSystem
  const rechecks: Array<Effect.Effect<unknown>> = []
  const file = (path: string) => {
    const fresh = FreshFile.make(fs, path)
    rechecks.push(fresh.recheck)
    return fresh.text
  }
  const pem = (source: Material | undefined) =>
    source === undefined
      ? Effect.undefined
      : source._tag === "Inline"
      ? Effect.succeed(source.pem)
      : file(source.path)

  const user: UserAccess = access.user
  const ca = pem(access.ca)
  const cert = pem(user.clientCertificate?.cert)
  const key = pem(user.clientCertificate?.key)
  const bearer = user.tokenFile === undefined
    ? Effect.succeed(user.token)
    // A token given in place bridges the time until the file appears.
    : file(user.tokenFile).pipe(
      Effect.map((text) => text.trim()),
      Effect.catch((error) => user.token === undefined ? Effect.fail(error) : Effect.succeed(user.token))
    )
  const plugin = user.exec === undefined
    ? undefined
    : yield* ExecPlugin.make(user.exec, access, Effect.orElseSucceed(ca, () => undefined))
  if (plugin !== undefined) rechecks.push(plugin.forget)

  const current = Effect.gen(function*() {
    const exec = plugin === undefined ? undefined : yield* plugin.credential
    const tls = {
      ca: yield* ca,
      cert: exec?.clientCertificate?.cert ?? (yield* cert),
      key: exec?.clientCertificate?.key ?? (yield* key)
    }
    const token = exec?.token ?? (yield* bearer)
    const authorization = token !== undefined
      ? `Bearer ${token}`
      : user.basic !== undefined
      ? `Basic ${Buffer.from(`${user.basic.username}:${user.basic.password}`).toString("base64")}`
      : undefined
    return {
      tls: {
        ...(tls.ca !== undefined && { ca: tls.ca }),
        ...(tls.cert !== undefined && { cert: tls.cert }),
        ...(tls.key !== undefined && { key: tls.key })
      },
      ...(authorization !== undefined && { authorization })
    }
  })
  const credentials: Credentials = { current, refresh: Effect.all(rechecks, { discard: true }) }
  return credentials
})
