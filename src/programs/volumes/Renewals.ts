/**
 * What is asked for on behalf of pods and runs out (tokens, certificates): one fiber for each keeps it fresh, for as long
 * as its pod wants it. What could not be renewed is tried again with growing pauses. All of it lives in memory only.
 */
import { Clock, Effect, FiberMap, Result } from "effect"
import { Lookup } from "../../domain/config/lookups.ts"
import type { Pod } from "../../domain/k8s/pod.ts"
import * as KeyedMailbox from "../KeyedMailbox.ts"

export interface Renewals<Wish, Value> {
  /** Holds these for the pod from now on, and no others; repeatable. Returns at once. */
  readonly want: (pod: Pod, wishes: ReadonlyArray<Wish>) => Effect.Effect<void>
  readonly drop: (uid: string) => Effect.Effect<void>
  /** What is held now; `undefined` until it was answered once. */
  readonly held: (uid: string, wish: Wish) => Effect.Effect<Lookup<Value> | undefined>
  /** UIDs of pods for which something changed. One consumer. */
  readonly changed: Effect.Effect<ReadonlyArray<string>>
}

/** One kind of what runs out. */
export interface Renewable<Wish, Value, E, R> {
  /** For the log: `token`. */
  readonly kind: string
  readonly keyOf: (uid: string, wish: Wish) => string
  readonly issue: (pod: Pod, wish: Wish) => Effect.Effect<Value, E, R>
  /** How long after it was issued, now, it is to be renewed. */
  readonly restMs: (value: Value, nowMs: number) => Effect.Effect<number>
  /** Whether it still serves while it cannot be renewed. */
  readonly isValid: (value: Value, nowMs: number) => boolean
  /** What users read of it. */
  readonly failureText: (error: E) => string
  /** No other try can help: it is not asked for again, and no longer shown. */
  readonly isFinal: (error: E) => boolean
}

const firstRetryMs = 500
const maxRetryMs = 30_000

export const make = Effect.fnUntraced(function*<Wish, Value, E, R>(renewable: Renewable<Wish, Value, E, R>) {
  const { failureText, isFinal, isValid, issue, keyOf, kind, restMs } = renewable
  const needs = yield* Effect.context<R>()
  const mailbox = yield* KeyedMailbox.make
  const fibers = yield* FiberMap.make<string, void>()
  const held = new Map<string, Lookup<Value>>()
  const byPod = new Map<string, ReadonlySet<string>>()

  const isHeld = (key: string, nowMs: number): boolean => {
    const found = held.get(key)
    return found?._tag === "Found" && isValid(found.value, nowMs)
  }

  const keepFresh = Effect.fnUntraced(function*(pod: Pod, wish: Wish) {
    const { name, namespace, uid } = pod.metadata
    const key = keyOf(uid, wish)
    let failures = 0
    while (true) {
      const answer = yield* Effect.result(issue(pod, wish))
      const nowMs = yield* Clock.currentTimeMillis
      if (Result.isSuccess(answer)) {
        failures = 0
        held.set(key, Lookup.Found({ value: answer.success }))
        yield* mailbox.offer(uid)
        yield* Effect.sleep(yield* restMs(answer.success, nowMs))
        continue
      }
      const { failure } = answer
      yield* Effect.logWarning(`no ${kind} for ${namespace}/${name}`, failure)
      if (isFinal(failure) || !isHeld(key, nowMs)) {
        held.set(key, Lookup.Failed({ message: failureText(failure) }))
        yield* mailbox.offer(uid)
      }
      // It goes on to be known as asked for.
      if (isFinal(failure)) return yield* Effect.never
      failures += 1
      yield* Effect.sleep(Math.min(maxRetryMs, firstRetryMs * 2 ** Math.min(failures - 1, 20)))
    }
  })

  const retain = Effect.fnUntraced(function*(uid: string, keys: ReadonlySet<string>) {
    const gone = [...byPod.get(uid) ?? []].filter((key) => !keys.has(key))
    if (keys.size === 0) byPod.delete(uid)
    else byPod.set(uid, keys)
    for (const key of gone) {
      yield* FiberMap.remove(fibers, key)
      held.delete(key)
    }
  })

  const renewals: Renewals<Wish, Value> = {
    want: Effect.fnUntraced(function*(pod, wishes) {
      const { uid } = pod.metadata
      yield* retain(uid, new Set(wishes.map((wish) => keyOf(uid, wish))))
      for (const wish of wishes) {
        const keep = Effect.provideContext(keepFresh(pod, wish), needs)
        yield* FiberMap.run(fibers, keyOf(uid, wish), keep, { onlyIfMissing: true })
      }
    }),
    drop: (uid) => retain(uid, new Set()),
    held: (uid, wish) => Effect.sync(() => held.get(keyOf(uid, wish))),
    changed: mailbox.takeAll
  }
  return renewals
})
