/** Takes back what no sandbox has any more, again and again until it is done: after failures, crashes and restarts. */
import { Clock, Effect, Metric, Queue, Schedule } from "effect"
import { isOrphan, type PodRecord } from "../../domain/cni/podRecord.ts"
import { Cri } from "../../layers/cri/Cri.ts"
import { HostFiles } from "../../layers/host/HostFiles.ts"
import type { AttachPods } from "./attachPods.ts"
import type { PodRecords } from "./podRecords.ts"

const periodMs = 30_000
const firstPauseMs = 500

const waiting = Metric.gauge("kubeffect_networks_to_return", {
  description: "Sandboxes whose network could not be taken back yet."
})

/** Runs for ever. */
export const returnNetworks = Effect.fn("returnNetworks")(function*(records: PodRecords, pods: AttachPods) {
  const cri = yield* Cri
  const files = yield* HostFiles

  /** The sandboxes that the runtime has; undefined while it does not answer: then none is known to be gone. */
  const sandboxes = cri.listPodSandbox({}).pipe(
    Effect.map(({ items }) => new Set(items.map(({ id }) => id))),
    Effect.catch((error) => Effect.as(Effect.logDebug("cannot list sandboxes", error), undefined))
  )

  const orphans = Effect.gen(function*() {
    // Where the runtime makes the networks there is nothing to take back.
    if (yield* records.isEmpty) return []
    const listed = yield* sandboxes
    const nowMs = yield* Clock.currentTimeMillis
    return yield* Effect.filter(
      yield* records.all,
      (record: PodRecord) =>
        Effect.map(
          files.exists(record.netns === "" ? "/nowhere" : record.netns),
          (netnsExists) => isOrphan(record, { listed: listed?.has(record.containerId) ?? true, netnsExists, nowMs })
        )
    )
  })

  const once = Effect.gen(function*() {
    const due = yield* orphans
    if (due.length === 0) return yield* Effect.as(Metric.update(waiting, 0), 0)
    const left = yield* Effect.filter(
      due,
      ({ containerId, pod }) =>
        pods.giveBack(containerId, (record) => record.state !== "adding" || record.netns === "").pipe(
          Effect.as(false),
          Effect.catch((error) =>
            Effect.as(
              Effect.logWarning(`the network of pod ${pod.namespace}/${pod.name} is not taken back yet`, error),
              true
            )
          )
        )
    )
    yield* Metric.update(waiting, left.length)
    return left.length
  })

  const pauses = Schedule.min([Schedule.exponential(firstPauseMs), Schedule.spaced(periodMs)]).pipe(
    Schedule.while(({ input }: { readonly input: number }) => input > 0)
  )
  while (true) {
    const left = yield* once
    if (left > 0) yield* Effect.scheduleFrom(once, left, pauses)
    yield* Effect.raceFirst(Queue.take(pods.left), Effect.sleep(periodMs))
  }
})
