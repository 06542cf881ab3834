/** What the agent presents to the API server at this moment: TLS material and the `Authorization` header. */
import { Clock, Effect, FileSystem, type PlatformError, Schedule, Stream } from "effect"
import { dirname } from "node:path"
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
  /** Hints that certificates have changed on disk, which connections without requests would not notice. */
  readonly hints: Stream.Stream<void>
}

/** Looking at the files for every request would cost more than the request's own bookkeeping. */
const lookMs = 1_000
/** Files of certificates are written one after the other. */
const settle = "50 millis"
/** The folder may be made when the first certificate is. */
const watchAgain = "10 seconds"

export const make = Effect.fnUntraced(function*(access: ServerAccess) {
  const fs = yield* FileSystem.FileSystem
  const files = new Map<string, FreshFile.FreshFile>()
  let generation = 0
  let lookedAt = Number.NEGATIVE_INFINITY

  const file = (path: string) => {
    const fresh = files.get(path) ?? FreshFile.make(fs, path)
    files.set(path, fresh)
    return Effect.suspend(() => fresh.text(generation))
  }
  const pem = (source: Material | undefined) =>
    source === undefined
      ? Effect.undefined
      : source._tag === "Inline"
      ? Effect.succeed(source.pem)
      : file(source.path)

  const { user } = access
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

  const current = Effect.gen(function*() {
    const now = yield* Clock.currentTimeMillis
    if (now - lookedAt >= lookMs) {
      lookedAt = now
      generation += 1
    }
    const exec = plugin === undefined ? undefined : yield* plugin.credential
    const tls = {
      ca: yield* ca,
      cert: exec?.clientCertificate?.cert ?? (yield* cert),
      key: exec?.clientCertificate?.key ?? (yield* key)
    }
    const token = exec?.token ?? (yield* bearer)
    return { tls: given(tls), ...given({ authorization: authorizationOf(token, user.basic) }) }
  })
  const watched = [access.ca, user.clientCertificate?.cert, user.clientCertificate?.key].flatMap((source) =>
    source?._tag === "File" ? [dirname(source.path)] : []
  )
  const hints = [...new Set(watched)].map((folder) =>
    fs.watch(folder).pipe(Stream.retry(Schedule.spaced(watchAgain)), Stream.orDie)
  )
  const credentials: Credentials = {
    current,
    hints: Stream.mergeAll(hints, { concurrency: "unbounded" }).pipe(
      Stream.debounce(settle),
      Stream.map(() => undefined)
    ),
    refresh: Effect.suspend(() => {
      lookedAt = Number.NEGATIVE_INFINITY
      return plugin?.forget ?? Effect.void
    })
  }
  return credentials
})

const authorizationOf = (token: string | undefined, basic: UserAccess["basic"]): string | undefined => {
  if (token !== undefined) return `Bearer ${token}`
  if (basic === undefined) return undefined
  return `Basic ${Buffer.from(`${basic.username}:${basic.password}`).toString("base64")}`
}

/** Without the fields that are not there. */
const given = <K extends string>(fields: Record<K, string | undefined>): { readonly [P in K]?: string } => {
  const present: { [P in K]?: string } = {}
  for (const name of Object.keys(fields) as Array<K>) {
    const value = fields[name]
    if (value !== undefined) present[name] = value
  }
  return present
}
