/**
 * How this node is known to the API server: by what its kubeconfig says, or by a certificate of its own that it asks for
 * and renews (A10, A11, A12).
 */
import { Clock, Effect, Layer, Option } from "effect"
import { KubeApi } from "../../layers/api/KubeApi.ts"
import * as KubeApiLive from "../../layers/api/KubeApiLive.ts"
import * as Kubeconfig from "../../layers/api/Kubeconfig.ts"
import { nodeKubeconfig } from "../../layers/api/nodeKubeconfig.ts"
import { X509 } from "../../layers/certificates/X509.ts"
import { HostFiles } from "../../layers/host/HostFiles.ts"
import { bootstrap } from "../../programs/certificates/bootstrap.ts"
import * as Store from "../../programs/certificates/certificateStore.ts"
import * as ClientCertificate from "../../programs/certificates/ClientCertificate.ts"

export interface IdentitySetup {
  /** Paths; `bootstrapKubeconfig` is empty when there is none. */
  readonly kubeconfig: string
  readonly bootstrapKubeconfig: string
  readonly certDir: string
  readonly nodeName: string
  /** `rotateCertificates` */
  readonly rotate: boolean
}

export interface Identity {
  readonly access: Kubeconfig.ServerAccess
  /** What keeps it valid, given the API server as the node sees it. */
  readonly keeper: Layer.Layer<ClientCertificate.ClientCertificate, never, KubeApi | Store.Needs>
}

const read = Effect.fnUntraced(function*(source: Kubeconfig.Material) {
  return source._tag === "Inline" ? source.pem : yield* (yield* HostFiles).readText(source.path)
})

/** Certificate and key of a kubeconfig; none when it has none, or they are not there to be read. */
const pairOf = Effect.fnUntraced(function*({ user }: Kubeconfig.ServerAccess) {
  if (user.clientCertificate === undefined) return Option.none<{ cert: string; key: string }>()
  const { cert, key } = user.clientCertificate
  return yield* Effect.option(Effect.all({ cert: read(cert), key: read(key) }))
})

const expiryOf = Effect.fnUntraced(function*(pair: Option.Option<{ readonly cert: string; readonly key: string }>) {
  if (Option.isNone(pair)) return 0
  const x509 = yield* X509
  return yield* x509.read(pair.value.cert).pipe(
    Effect.map(({ notAfterMs }) => notAfterMs),
    Effect.catch(() => Effect.succeed(0))
  )
})

/** The kubeconfig, unless it cannot be used any more: not there, torn, or its certificate gone or expired. */
const usable = Effect.fnUntraced(function*(path: string) {
  const access = yield* Kubeconfig.load(path)
  if (access.user.clientCertificate === undefined) return Option.some(access)
  const notAfterMs = yield* expiryOf(yield* pairOf(access))
  return notAfterMs > (yield* Clock.currentTimeMillis) ? Option.some(access) : Option.none<Kubeconfig.ServerAccess>()
})

const place = ({ certDir }: IdentitySetup): Store.Place => ({ folder: certDir, name: "kubelet-client" })

const withPair = (access: Kubeconfig.ServerAccess, path: string): Kubeconfig.ServerAccess => ({
  ...access,
  user: { clientCertificate: { cert: { _tag: "File", path }, key: { _tag: "File", path } } }
})

const fixed = (access: Kubeconfig.ServerAccess): Identity => ({ access, keeper: ClientCertificate.layerNone })

/** Renews the certificate in the folder; one that is only in the kubeconfig is put there first. */
const renewing = Effect.fnUntraced(function*(setup: IdentitySetup, access: Kubeconfig.ServerAccess) {
  // Who comes with a token or by a plugin is given new ones by others.
  if (access.user.clientCertificate === undefined) return fixed(access)
  const own = yield* Store.readCurrent(place(setup))
  const now = yield* Clock.currentTimeMillis
  const adopted = own === undefined || own.facts.notAfterMs <= now
  if (adopted) {
    const pair = yield* pairOf(access)
    if (Option.isSome(pair)) yield* Store.put(place(setup), pair.value)
  }
  const identity: Identity = {
    access: withPair(access, Store.currentPath(place(setup))),
    keeper: ClientCertificate.layer({ nodeName: setup.nodeName, place: place(setup), adopted })
  }
  return identity
})

const bootstrapping = Effect.fnUntraced(function*(setup: IdentitySetup) {
  const first = yield* Kubeconfig.load(setup.bootstrapKubeconfig)
  const path = Store.currentPath(place(setup))
  const write = Effect.flatMap(
    HostFiles,
    (files) => files.writeFileAtomic(setup.kubeconfig, nodeKubeconfig(first, path), { mode: 0o600 })
  )
  const access = withPair(first, path)
  yield* Effect.logInfo(`Using ${setup.bootstrapKubeconfig} to ask for a client certificate`)
  const api = yield* Effect.provide(KubeApi, yield* Layer.build(KubeApiLive.layer(first)))
  if (!setup.rotate) {
    yield* Effect.provideService(bootstrap(setup.nodeName, place(setup)), KubeApi, api)
    yield* write
    return fixed(access)
  }
  // In the background: pods of files do not wait for anybody's approval.
  yield* write
  const identity: Identity = {
    access,
    keeper: ClientCertificate.layer({ nodeName: setup.nodeName, place: place(setup), adopted: false, bootstrap: api })
  }
  return identity
})

export const clientIdentity = Effect.fn("clientIdentity")(function*(setup: IdentitySetup) {
  if (setup.bootstrapKubeconfig !== "") {
    const found = yield* usable(setup.kubeconfig).pipe(
      Effect.catch((error) => Effect.as(Effect.logInfo(error.message), Option.none<Kubeconfig.ServerAccess>()))
    )
    if (Option.isNone(found)) return yield* bootstrapping(setup)
  }
  const access = yield* Kubeconfig.load(setup.kubeconfig)
  return setup.rotate ? yield* renewing(setup, access) : fixed(access)
})
