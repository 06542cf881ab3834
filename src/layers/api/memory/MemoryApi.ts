/**
 * An API server in memory. `make` gives a handle whose state outlives the clients: an agent that is started again finds
 * what it left. Everything happens at once and in order: a call returns when all that follows from it has been stored and
 * shown to the watches. Time comes from `Clock` and chance from `Random`, both as they are when the server is made.
 */
import { Clock, Effect, Random, type Scope } from "effect"
import type { JsonObject } from "../../../domain/k8s/json.ts"
import { namespaces, services } from "../../../domain/k8s/resources.ts"
import type { ApiResource } from "../../../domain/k8s/resources.ts"
import type { KubeObject } from "../KubeApi.ts"
import { kubernetesAddress } from "./allocateService.ts"
import { type Authority, makeAuthority } from "./authority.ts"
import type { Change } from "./history.ts"
import { makeReactions } from "./reactions.ts"
import { priorityClasses } from "./resources.ts"
import { makeRest, type Rest } from "./rest.ts"
import {
  type AccessQuestion,
  type Identity,
  kindOf,
  loopback,
  makeState,
  newUid,
  type Settings,
  type State
} from "./state.ts"
import { create } from "./verbCreate.ts"

export type { AccessQuestion, Identity } from "./state.ts"

export interface Options {
  /** Changes of a kind that a watch can go back over; default 10,000. */
  readonly historyLimit?: number
  /** Events that a watch may lag behind before it is closed; default 10,000. */
  readonly watchBacklog?: number
  /** Default one minute. */
  readonly bookmarkMs?: number
  /** How long events are kept; default one hour. */
  readonly eventTtlMs?: number
  /** Binds pods that name no node to the Ready node with the fewest pods; default true. */
  readonly binder?: boolean
  /** Mounts a service account token into every pod, as admission does in a cluster; default false. */
  readonly mountServiceAccountTokens?: boolean
  /** Approves and signs the certificate requests of kubelets; default false. */
  readonly signCertificates?: boolean
  /** How long certificates live that are asked for without a time; default one year. */
  readonly certificateLifeMs?: number
  /** How long ago the life of a certificate began when it is signed; default one hour, none for short lives. */
  readonly certificateBackdateMs?: number
  /** Answers access reviews; default: everyone may do everything. */
  readonly authorize?: (question: AccessQuestion) => boolean
  /** Bearer tokens that are known from the start. */
  readonly tokens?: Readonly<Record<string, Identity>>
}

export interface MemoryApi {
  readonly rest: Rest
  readonly state: State
  readonly authority: Effect.Effect<Authority>
  /** The version of the last change. */
  readonly revision: () => number
  /** What is stored now; for checks that run between the steps of a simulation. */
  readonly objects: (resource: ApiResource) => ReadonlyArray<KubeObject>
  /** Calls back after every change, within the step that makes it; returns how to stop that. */
  readonly onChange: (listener: (resource: ApiResource, change: Change) => void) => () => void
  /** Forgets all history: a watch from any earlier version is told that it expired. */
  readonly compact: Effect.Effect<void>
  /** Sends every watch a bookmark now. */
  readonly bookmark: Effect.Effect<void>
  /** Ends every watch, as a restart of the server does. */
  readonly closeWatches: Effect.Effect<void>
}

const settingsOf = (options: Options): Settings => ({
  historyLimit: options.historyLimit ?? 10_000,
  watchBacklog: options.watchBacklog ?? 10_000,
  bookmarkMs: options.bookmarkMs ?? 60_000,
  eventTtlMs: options.eventTtlMs ?? 3_600_000,
  binder: options.binder ?? true,
  mountServiceAccountTokens: options.mountServiceAccountTokens ?? false,
  signCertificates: options.signCertificates ?? false,
  certificateBackdateMs: options.certificateBackdateMs,
  certificateLifeMs: options.certificateLifeMs ?? 365 * 24 * 3_600_000,
  authorize: options.authorize ?? (() => true),
  tokens: new Map(Object.entries(options.tokens ?? {}))
})

const firstNamespaces = ["default", "kube-node-lease", "kube-public", "kube-system"]

const criticalClasses: ReadonlyArray<readonly [name: string, value: number]> = [
  ["system-cluster-critical", 2_000_000_000],
  ["system-node-critical", 2_000_001_000]
]

const kubernetesService: JsonObject = {
  metadata: { name: "kubernetes", labels: { component: "apiserver", provider: "kubernetes" } },
  spec: {
    clusterIP: kubernetesAddress,
    ports: [{ name: "https", port: 443, protocol: "TCP", targetPort: 6443 }]
  }
}

/** What every cluster has from the start. */
const furnish = (state: State): void => {
  const options = { user: loopback }
  for (const name of firstNamespaces) {
    create(state, { kind: kindOf(state, namespaces), namespace: "", object: { metadata: { name } }, options })
  }
  for (const [name, value] of criticalClasses) {
    const object = { metadata: { name }, value, globalDefault: false }
    create(state, { kind: kindOf(state, priorityClasses), namespace: "", object, options })
  }
  create(state, { kind: kindOf(state, services), namespace: "default", object: kubernetesService, options })
}

export const make = Effect.fn("MemoryApi.make")(function*(
  options: Options = {}
): Effect.fn.Return<MemoryApi, never, Scope.Scope> {
  const clock = yield* Clock.Clock
  const random = yield* Random.Random
  const state = makeState(settingsOf(options), { clock, random })
  const { store } = state
  const settle = makeReactions(state)
  furnish(state)
  settle()
  const authority = yield* Effect.cached(makeAuthority(
    () => clock.currentTimeMillisUnsafe(),
    () => newUid(state).replaceAll("-", "").replace(/^./, "1")
  ))
  const bookmark = Effect.sync(() => store.bookmark())
  yield* Effect.sleep(state.settings.bookmarkMs).pipe(Effect.andThen(bookmark), Effect.forever, Effect.forkScoped)
  return {
    rest: makeRest(state, settle, authority),
    state,
    authority,
    revision: () => store.revision,
    objects: (resource) => store.shelf(kindOf(state, resource)).objects.list(),
    onChange: (listener) => store.listen(listener),
    compact: Effect.sync(() => store.compact()),
    bookmark,
    closeWatches: Effect.sync(() => store.closeWatches())
  }
})
