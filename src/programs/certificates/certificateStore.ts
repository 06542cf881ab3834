/**
 * The certificates of one purpose in the node's `pki` folder, laid out as the kubelet does (A11): every pair a file of its
 * own with its date, a link to the one in use, and the key of a request that is not answered yet. Whoever opens the link
 * finds a certificate and its key together, the old or the new.
 */
import { Clock, Effect } from "effect"
import type { CertificateFacts } from "../../domain/certificates/template.ts"
import { X509 } from "../../layers/certificates/X509.ts"
import { HostFiles } from "../../layers/host/HostFiles.ts"

export interface Place {
  /** `--cert-dir` */
  readonly folder: string
  /** `kubelet-client`, `kubelet-server` */
  readonly name: string
}

/** Certificate, its chain and its key: all in one text, PEM. */
export interface Held {
  readonly pem: string
  readonly facts: CertificateFacts
}

export type Needs = HostFiles | X509

export const currentPath = ({ folder, name }: Place): string => `${folder}/${name}-current.pem`

const pendingPath = ({ folder, name }: Place): string => `${folder}/${name}.key.tmp`

/** `2026-11-22-22-30-00`, as the kubelet's files are dated. */
const dated = (ms: number): string => new Date(ms).toISOString().slice(0, 19).replaceAll(/[T:]/g, "-")

const absent = Effect.succeed(undefined)

/** Reads and checks a pair that lies in one file; undefined when there is none that could be used. */
const readPair = Effect.fnUntraced(function*(path: string) {
  const files = yield* HostFiles
  const x509 = yield* X509
  return yield* Effect.gen(function*() {
    const pem = yield* files.readText(path)
    yield* x509.checkPair({ cert: pem, key: pem })
    const held: Held = { pem, facts: yield* x509.read(pem) }
    return held
  }).pipe(
    Effect.catchTags({
      HostFileError: (error) =>
        error.reason._tag === "NotFound"
          ? absent
          : Effect.andThen(Effect.logWarning(`The certificate in ${path} cannot be read`, error), absent),
      X509Error: (error) =>
        Effect.andThen(Effect.logWarning(`The certificate in ${path} cannot be used`, error), absent)
    })
  )
})

export const readCurrent = (place: Place) => readPair(currentPath(place))

/** Keeps the pair and makes it the current one. Its key and certificate must belong together. */
export const put = Effect.fn("certificateStore.put")(function*(
  place: Place,
  pair: { readonly cert: string; readonly key: string }
) {
  const files = yield* HostFiles
  const x509 = yield* X509
  yield* x509.checkPair(pair)
  const pem = `${pair.cert.trimEnd()}\n${pair.key.trimEnd()}\n`
  const facts = yield* x509.read(pem)
  const path = `${place.folder}/${place.name}-${dated(yield* Clock.currentTimeMillis)}.pem`
  yield* files.makeDirectory(place.folder, { mode: 0o750, recursive: true })
  yield* files.writeFileAtomic(path, pem, { mode: 0o600 })
  // A link cannot be replaced, but renamed over another.
  const fresh = `${place.folder}/${place.name}-updated.pem`
  yield* removed(fresh)
  yield* files.symlink(path, fresh)
  yield* files.rename(fresh, currentPath(place))
  const held: Held = { pem, facts }
  return held
})

const removed = Effect.fnUntraced(function*(path: string) {
  const files = yield* HostFiles
  yield* Effect.catchIf(files.removeFile(path), (error) => error.reason._tag === "NotFound", () => Effect.void)
})

/**
 * The key of the request under way: the one left by an earlier start, so that its request goes on to count, or a new one.
 */
export const pendingKey = Effect.fn("certificateStore.pendingKey")(function*(place: Place) {
  const files = yield* HostFiles
  const x509 = yield* X509
  const path = pendingPath(place)
  const left = yield* files.readText(path).pipe(
    Effect.tap((key) => x509.fingerprint(key)),
    Effect.catch(() => absent)
  )
  if (left !== undefined) return left
  const key = yield* x509.newKey
  yield* files.makeDirectory(place.folder, { mode: 0o750, recursive: true })
  yield* files.writeFileAtomic(path, key, { mode: 0o600 })
  return key
})

export const forgetPendingKey = (place: Place) => removed(pendingPath(place))
