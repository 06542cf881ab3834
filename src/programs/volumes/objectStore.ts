/**
 * Objects of one kind, each watched by itself for as long as some pod refers to it. One that is immutable is read once;
 * what was known stays known while the server is away.
 */
import { Deferred, Duration, Effect, FiberMap, Latch, Result, Schedule, Stream } from "effect"
import { Lookup } from "../../domain/config/lookups.ts"
import type { MalformedObject } from "../../domain/k8s/decode.ts"
import type { ApiResource } from "../../domain/k8s/resources.ts"
import { type ApiError, KubeApi, type KubeObject } from "../../layers/api/KubeApi.ts"
import { Change, reflect } from "../api/reflector.ts"

/** How the kind is read, and what it is called in messages. */
export interface Kind<A> {
  readonly resource: ApiResource
  readonly label: string
  readonly decode: (object: KubeObject) => Result.Result<A, MalformedObject>
}

interface Entry<A> {
  readonly namespace: string
  readonly name: string
  /** UIDs of the pods that want it. */
  readonly users: Set<string>
  readonly answered: Latch.Latch
  value: Lookup<A> | undefined
}

const firstAnswerMs = 10_000

/** The authorizer learns of a pod a little after its node does: what it refuses at first it may allow at once. */
const untilAllowed = Schedule.min([Schedule.exponential("250 millis"), Schedule.spaced("30 seconds")])

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

const isRefusal = (error: ApiError): boolean => error.status === 401 || error.status === 403

/** Keeps the entry as the server has it. Ends only when the object can never change again. */
const follow = Effect.fnUntraced(function*<A extends { readonly immutable?: boolean }>(
  kind: Kind<A>,
  entry: Entry<A>,
  tell: Effect.Effect<void>
) {
  const set = (value: Lookup<A>) =>
    Effect.suspend(() => {
      entry.value = value
      entry.answered.openUnsafe()
      return tell
    })
  const complain = Effect.fnUntraced(function*(error: ApiError) {
    yield* Effect.logWarning(`cannot follow ${kind.label} ${entry.namespace}/${entry.name}`, error)
    if (entry.value === undefined || entry.value._tag === "Failed") yield* set(Lookup.Failed({ message: error.detail }))
  })
  const session = Effect.gen(function*() {
    const refused = yield* Deferred.make<never, ApiError>()
    const changes = reflect(
      kind.resource,
      { namespace: entry.namespace, fieldSelector: `metadata.name=${entry.name}` },
      {
        onFailure: ({ error }) =>
          Effect.andThen(complain(error), isRefusal(error) ? Deferred.fail(refused, error) : Effect.void)
      }
    )
    yield* changes.pipe(
      Stream.map((change) => afterChange(kind, change)),
      Stream.tap(set),
      Stream.takeUntil((value) => value._tag === "Found" && value.value.immutable === true),
      Stream.runDrain,
      Effect.raceFirst(Deferred.await(refused))
    )
  })
  yield* Effect.retry(session, untilAllowed)
}, Effect.orDie)

const untracked = Lookup.Failed({ message: "no pod of this node refers to it" })

/** `tell`: called with the UID of each pod that refers to an object that changed. */
export const objectStore = Effect.fnUntraced(function*<A extends { readonly immutable?: boolean }>(
  kind: Kind<A>,
  tell: (uid: string) => Effect.Effect<void>
) {
  const api = yield* KubeApi
  const fibers = yield* FiberMap.make<string, void>()
  const entries = new Map<string, Entry<A>>()
  const byPod = new Map<string, ReadonlySet<string>>()
  const keyOf = (namespace: string, name: string) => `${namespace}/${name}`

  const join = Effect.fnUntraced(function*(uid: string, namespace: string, name: string) {
    const key = keyOf(namespace, name)
    const known = entries.get(key)
    if (known !== undefined) return void known.users.add(uid)
    const entry: Entry<A> = {
      namespace,
      name,
      users: new Set([uid]),
      answered: Latch.makeUnsafe(false),
      value: undefined
    }
    entries.set(key, entry)
    const tellUsers = Effect.suspend(() => Effect.forEach([...entry.users], tell, { discard: true }))
    yield* FiberMap.run(fibers, key, follow(kind, entry, tellUsers).pipe(Effect.provideService(KubeApi, api)))
  })

  const leave = (uid: string, key: string) =>
    Effect.suspend(() => {
      const entry = entries.get(key)
      entry?.users.delete(uid)
      if (entry === undefined || entry.users.size > 0) return Effect.void
      entries.delete(key)
      return FiberMap.remove(fibers, key)
    })

  const peek = (namespace: string, name: string) =>
    Effect.sync((): Lookup<A> | undefined => {
      const entry = entries.get(keyOf(namespace, name))
      return entry === undefined ? untracked : entry.value
    })

  const wait = Effect.fnUntraced(function*(namespace: string, name: string) {
    const entry = entries.get(keyOf(namespace, name))
    if (entry !== undefined) yield* Effect.timeoutOption(entry.answered.await, Duration.millis(firstAnswerMs))
    const late = Lookup.Failed({ message: `failed to sync ${kind.label} cache: timed out waiting for the condition` })
    const pair: readonly [string, Lookup<A>] = [name, (yield* peek(namespace, name)) ?? late]
    return pair
  })

  return {
    /** Makes `names` all that the pod refers to. */
    retain: Effect.fnUntraced(function*(uid: string, namespace: string, names: ReadonlySet<string>) {
      const before = byPod.get(uid) ?? new Set<string>()
      const keys = new Set([...names].map((name) => keyOf(namespace, name)))
      if (keys.size === 0) byPod.delete(uid)
      else byPod.set(uid, keys)
      yield* Effect.forEach(names, (name) => join(uid, namespace, name), { discard: true })
      const gone = [...before].filter((key) => !keys.has(key))
      yield* Effect.forEach(gone, (key) => leave(uid, key), { discard: true })
    }),
    peek,
    waitAll: (namespace: string, names: ReadonlySet<string>) =>
      Effect.map(
        Effect.forEach(names, (name) => wait(namespace, name), { concurrency: "unbounded" }),
        (pairs): ReadonlyMap<string, Lookup<A>> => new Map(pairs)
      )
  }
})
