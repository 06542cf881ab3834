/**
 * Makes and takes back the networks of sandboxes, each sandbox by one fiber at a time. What is begun is on record first and
 * off it last, so every crash leaves either nothing or a record of what to take back.
 */
import { Clock, Effect, Queue, RcMap, Result, Semaphore } from "effect"
import type { Attachment } from "../../domain/cni/execution.ts"
import type { PodNetwork, PodRecord } from "../../domain/cni/podRecord.ts"
import { type CniResult, emptyResult } from "../../domain/cni/result.ts"
import { Cni } from "../../layers/cni/Cni.ts"
import type { PodRecords } from "./podRecords.ts"

/** One at a time for each key. */
const makeLocks = Effect.gen(function*() {
  const locks = yield* RcMap.make<string, Semaphore.Semaphore, never, never>({ lookup: () => Semaphore.make(1) })
  return <A, E, R>(key: string, task: Effect.Effect<A, E, R>) =>
    Effect.scoped(Effect.flatMap(RcMap.get(locks, key), (lock) => lock.withPermits(1)(task)))
})

export interface Asked {
  readonly containerId: string
  readonly netns: string
  readonly pod: PodRecord["pod"]
}

/** What is done to one sandbox, by whoever has its turn. */
const sandboxSteps = (cni: Cni["Service"], records: PodRecords, left: Queue.Queue<void>) => {
  /** All networks, last first, whatever becomes of one; off the record when all are gone. */
  const takeDown = Effect.fn("takeDownNetworks")(function*(record: PodRecord, netns: string) {
    yield* records.write({ ...record, state: "returning" })
    const results = yield* Effect.forEach(
      [...record.networks].reverse(),
      ({ attachment, list }) => Effect.result(cni.del(list, { ...attachment, netns }))
    )
    const failed = results.find(Result.isFailure)
    if (failed !== undefined) {
      yield* Queue.offer(left, undefined)
      return yield* Effect.fail(failed.failure)
    }
    yield* records.remove(record.containerId)
  })

  const attach = Effect.fn("attachPod")(function*(asked: Asked, planned: ReadonlyArray<PodNetwork>) {
    const { containerId, netns, pod } = asked
    // Of a request that an agent before this one was killed over.
    const before = yield* records.read(containerId)
    if (before !== undefined) yield* takeDown(before, before.netns)
    const record = { containerId, netns, pod, writtenAtMs: yield* Clock.currentTimeMillis }
    yield* records.write({ ...record, state: "adding", networks: planned })
    const made: Array<PodNetwork & { readonly result: CniResult }> = []
    for (const network of planned) {
      made.push({ ...network, result: yield* cni.add(network.list, network.attachment) })
    }
    yield* records.write({ ...record, state: "added", networks: made })
    return made
  })

  /** The runtime does not wait any more: to be returned soon, by a fiber that nobody waits for. */
  const abandon = Effect.fnUntraced(function*(containerId: string) {
    const record = yield* records.read(containerId)
    if (record !== undefined) yield* records.write({ ...record, state: "returning" })
    yield* Queue.offer(left, undefined)
  }, (effect) => Effect.catch(effect, (error) => Effect.logWarning("cannot note an abandoned network", error)))

  return { takeDown, attach, abandon }
}

export const attachPods = Effect.fn("attachPods")(function*(records: PodRecords) {
  const cni = yield* Cni
  const locked = yield* makeLocks
  /** Ticks when a record has been left to be returned. */
  const left = yield* Queue.sliding<void>(1)
  const { abandon, attach, takeDown } = sandboxSteps(cni, records, left)

  return {
    left,
    /** What a failure leaves is given back at once, what an interruption leaves a moment later. */
    add: (asked: Asked, planned: ReadonlyArray<PodNetwork>) =>
      locked(
        asked.containerId,
        attach(asked, planned).pipe(
          Effect.tapError(() =>
            Effect.flatMap(records.read(asked.containerId), (record) =>
              record === undefined ? Effect.void : takeDown(record, record.netns)).pipe(
                Effect.catch((error) =>
                  Effect.logWarning("a network that failed is not wholly taken back yet", error)
                )
              )
          ),
          Effect.onInterrupt(() => abandon(asked.containerId))
        )
      ),
    /** Takes back the sandbox's networks; `unknown` is done for one that is not on record. */
    del: <E, R>(attachment: Attachment, unknown: Effect.Effect<void, E, R>) =>
      locked(
        attachment.containerId,
        Effect.gen(function*() {
          const record = yield* records.read(attachment.containerId)
          return yield* record === undefined ? unknown : takeDown(record, attachment.netns)
        })
      ),
    check: (attachment: Attachment) =>
      locked(
        attachment.containerId,
        Effect.gen(function*() {
          const record = yield* records.read(attachment.containerId)
          for (const { attachment: own, list } of record?.networks ?? []) yield* cni.check(list, own)
          return record?.networks[0]?.result ?? emptyResult
        })
      ),
    /** As `del`, for a record that `isDue` still holds for once it is this fiber's turn. */
    giveBack: (containerId: string, isDue: (record: PodRecord) => boolean) =>
      locked(
        containerId,
        Effect.gen(function*() {
          const record = yield* records.read(containerId)
          if (record !== undefined && isDue(record)) yield* takeDown(record, record.netns)
        })
      )
  }
})

export type AttachPods = Effect.Success<ReturnType<typeof attachPods>>
