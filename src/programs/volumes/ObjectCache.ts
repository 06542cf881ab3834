/**
 * The Secrets and ConfigMaps that pods of this node refer to, each watched by itself (the node authorizer allows nothing
 * wider, parity Q4), shared between pods and dropped with the last of them (parity I6).
 */
import { Context, Deferred, Duration, Effect, FiberMap, Latch, Layer, Result, Schedule, Stream } from "effect"
import { type EnvLookups, Lookup, podReferences } from "../../domain/config/lookups.ts"
import type { ConfigMap } from "../../domain/k8s/configMap.ts"
import { decodeConfigMap, decodeSecret, type MalformedObject } from "../../domain/k8s/decode.ts"
import type { Pod } from "../../domain/k8s/pod.ts"
import { type ApiResource, configMaps, secrets } from "../../domain/k8s/resources.ts"
import type { Secret } from "../../domain/k8s/secret.ts"
import { type ApiError, KubeApi, type KubeObject } from "../../layers/api/KubeApi.ts"
import { Change, reflect } from "../api/reflector.ts"
import * as KeyedMailbox from "../KeyedMailbox.ts"

export interface ObjectReferences {
  readonly secrets: ReadonlySet<string>
  readonly configMaps: ReadonlySet<string>
}

export class ObjectCache extends Context.Service<ObjectCache, {
  /** Watches what the pod refers to from now on, and no more what it did before; repeatable. */
  readonly track: (pod: Pod) => Effect.Effect<void>
  readonly untrack: (uid: string) => Effect.Effect<void>
  /** What is known now; `undefined` until the server has answered once. Of what no pod tracks: a `Failed`. */
  readonly secret: (namespace: string, name: string) => Effect.Effect<Lookup<Secret> | undefined>
  readonly configMap: (namespace: string, name: string) => Effect.Effect<Lookup<ConfigMap> | undefined>
  /** Waits for the first answers, at most ten seconds; what has not come by then is `Failed`. For variables of containers. */
  readonly lookup: (
    namespace: string,
    references: ObjectReferences
  ) => Effect.Effect<Pick<EnvLookups, "secrets" | "configMaps">>
  /** UIDs of the pods that refer to an object that changed. One consumer. */
  readonly changed: Effect.Effect<ReadonlyArray<string>>
}>()("kubeffect/programs/volumes/ObjectCache") {}

const firstAnswerMs = 10_000

/** The authorizer learns of a pod a little after its node does: what it refuses at first it may allow at once. */
const untilAllowed = Schedule.min([Schedule.exponential("250 millis"), Schedule.spaced("30 seconds")])

/** One kind of object: how it is read and what it is called in messages. */
interface Kind<A> {
  readonly resource: ApiResource
  readonly label: string
  readonly decode: (object: KubeObject) => Result.Result<A, MalformedObject>
}
const secretKind: Kind<Secret> = { resource: secrets, label: "secret", decode: decodeSecret }
const configMapKind: Kind<ConfigMap> = { resource: configMaps, label: "configmap", decode: decodeConfigMap }

/** One object that is watched. */
interface Entry<A> {
  readonly kind: Kind<A>
  readonly namespace: string
  readonly name: string
  /** UIDs of the pods that want it. */
  readonly users: Set<string>
  readonly answered: Latch.Latch
  value: Lookup<A> | undefined
}

const readObject = <A>(kind: Kind<A>, object: KubeObject): Lookup<A> => {
  const decoded = kind.decode(object)
  return Result.isSuccess(decoded)
    ? Lookup.Found({ value: decoded.success })
    : Lookup.Failed({ message: decoded.failure.message })
}

const afterChange = <A>(kind: Kind<A>, change: Change): Lookup<A> =>
  Change.$match(change, {
    Snapshot: ({ objects: [object] }) => (object === undefined ? Lookup.Missing() : readObject(kind, object)),
    Upsert: ({ object }) => readObject(kind, object),
    Remove: () => Lookup.Missing()
  })

const isImmutable = (value: Lookup<Secret | ConfigMap>): boolean =>
  value._tag === "Found" && value.value.immutable === true

const isRefusal = (error: ApiError): boolean => error.status === 401 || error.status === 403

/** Keeps `entry` as the server has it. Ends only when the object can never change again. */
const follow = Effect.fnUntraced(function*<A extends Secret | ConfigMap>(
  entry: Entry<A>,
  tell: Effect.Effect<void>
) {
  const set = (value: Lookup<A>) =>
    Effect.suspend(() => {
      entry.value = value
      entry.answered.openUnsafe()
      return tell
    })
  const session = Effect.gen(function*() {
    const refused = yield* Deferred.make<never, ApiError>()
    const changes = reflect(
      entry.kind.resource,
      { namespace: entry.namespace, fieldSelector: `metadata.name=${entry.name}` },
      {
        onFailure: ({ error }) =>
          Effect.logWarning(`cannot follow ${entry.kind.label} ${entry.namespace}/${entry.name}`, error).pipe(
            // What was known stays known while the server is away.
            Effect.andThen(
              entry.value === undefined || entry.value._tag === "Failed"
                ? set(Lookup.Failed({ message: error.detail }))
                : Effect.void
            ),
            Effect.andThen(isRefusal(error) ? Deferred.fail(refused, error) : Effect.void)
          )
      }
    )
    yield* changes.pipe(
      Stream.map((change) => afterChange(entry.kind, change)),
      Stream.tap(set),
      Stream.takeUntil(isImmutable),
      Stream.runDrain,
      Effect.raceFirst(Deferred.await(refused))
    )
  })
  yield* Effect.retry(session, untilAllowed)
}, Effect.orDie)

const keyOf = (kind: { readonly label: string }, namespace: string, name: string): string =>
  `${kind.label}/${namespace}/${name}`

type AnyEntry = Entry<Secret> | Entry<ConfigMap>

const untracked = Lookup.Failed({ message: "no pod of this node refers to it" })

const wantedBy = (pod: Pod): ReadonlyArray<AnyEntry> => {
  const { namespace } = pod.metadata
  const references = podReferences(pod)
  const entry = <A>(kind: Kind<A>, name: string): Entry<A> => ({
    kind,
    namespace,
    name,
    users: new Set(),
    answered: Latch.makeUnsafe(false),
    value: undefined
  })
  return [
    ...[...references.secrets].map((name) => entry(secretKind, name)),
    ...[...references.configMaps].map((name) => entry(configMapKind, name))
  ]
}

/** Without an API server (standalone) nothing is tracked: every lookup fails. */
export const layer: Layer.Layer<ObjectCache, never, KubeApi> = Layer.effect(
  ObjectCache,
  Effect.gen(function*() {
    const api = yield* KubeApi
    const mailbox = yield* KeyedMailbox.make
    const fibers = yield* FiberMap.make<string, void>()
    const entries = new Map<string, AnyEntry>()
    const byPod = new Map<string, ReadonlySet<string>>()

    const followEntry = (entry: AnyEntry) => {
      const tell = Effect.suspend(() => Effect.forEach([...entry.users], mailbox.offer, { discard: true }))
      const run = entry.kind.label === secretKind.label
        ? follow(entry as Entry<Secret>, tell)
        : follow(entry as Entry<ConfigMap>, tell)
      return run.pipe(Effect.provideService(KubeApi, api))
    }

    const join = Effect.fnUntraced(function*(key: string, wish: AnyEntry, uid: string) {
      const entry = entries.get(key) ?? wish
      entry.users.add(uid)
      if (entries.has(key)) return
      entries.set(key, entry)
      yield* FiberMap.run(fibers, key, followEntry(entry))
    })

    const leave = (key: string, uid: string) =>
      Effect.suspend(() => {
        const entry = entries.get(key)
        entry?.users.delete(uid)
        if (entry === undefined || entry.users.size > 0) return Effect.void
        entries.delete(key)
        return FiberMap.remove(fibers, key)
      })

    const retain = Effect.fnUntraced(function*(uid: string, wishes: ReadonlyMap<string, AnyEntry>) {
      const before = byPod.get(uid) ?? new Set()
      if (wishes.size === 0) byPod.delete(uid)
      else byPod.set(uid, new Set(wishes.keys()))
      yield* Effect.forEach(wishes, ([key, wish]) => join(key, wish, uid), { discard: true })
      const gone = [...before].filter((key) => !wishes.has(key))
      yield* Effect.forEach(gone, (key) => leave(key, uid), { discard: true })
    })

    const peek = <A>(kind: Kind<A>, namespace: string, name: string): Lookup<A> | undefined => {
      const entry = entries.get(keyOf(kind, namespace, name))
      return entry === undefined ? untracked : entry.value as Lookup<A> | undefined
    }

    const wait = Effect.fnUntraced(function*<A>(kind: Kind<A>, namespace: string, name: string) {
      const entry = entries.get(keyOf(kind, namespace, name))
      if (entry !== undefined) yield* Effect.timeoutOption(entry.answered.await, Duration.millis(firstAnswerMs))
      const late = Lookup.Failed({ message: `failed to sync ${kind.label} cache: timed out waiting for the condition` })
      return [name, peek(kind, namespace, name) ?? late] as const
    })

    const waitAll = <A>(kind: Kind<A>, namespace: string, names: ReadonlySet<string>) =>
      Effect.map(
        Effect.forEach([...names], (name) => wait(kind, namespace, name), { concurrency: "unbounded" }),
        (pairs) => new Map<string, Lookup<A>>(pairs)
      )

    return ObjectCache.of({
      track: (pod) =>
        retain(
          pod.metadata.uid,
          new Map(wantedBy(pod).map((entry) => [keyOf(entry.kind, entry.namespace, entry.name), entry]))
        ),
      untrack: (uid) => retain(uid, new Map()),
      secret: (namespace, name) => Effect.sync(() => peek(secretKind, namespace, name)),
      configMap: (namespace, name) => Effect.sync(() => peek(configMapKind, namespace, name)),
      lookup: Effect.fnUntraced(function*(namespace: string, references: ObjectReferences) {
        return {
          secrets: yield* waitAll(secretKind, namespace, references.secrets),
          configMaps: yield* waitAll(configMapKind, namespace, references.configMaps)
        }
      }),
      changed: mailbox.takeAll
    })
  })
)
