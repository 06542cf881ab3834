/** Brings queued events to the API server one after the other, within the budget for events (parity T1). */
import { Clock, Effect, Metric, Queue, Ref, Schedule } from "effect"
import type { Entry } from "../../domain/events/correlate.ts"
import { eventObject, eventPatch, nextEvent, type WrittenEvent } from "../../domain/events/eventWrite.ts"
import { nothingRecent, recall, type Recent, remember } from "../../domain/events/recent.ts"
import { fullBucket, takeAhead } from "../../domain/events/tokenBucket.ts"
import * as resources from "../../domain/k8s/resources.ts"
import { type ApiError, KubeApi } from "../../layers/api/KubeApi.ts"
import { AgentConfig } from "../AgentConfig.ts"

const drops = Metric.counter("kubeffect_events_dropped_total", {
  description: "Events that were not written, by cause: spam, full (the queue), refused (by the server), unreachable.",
  incremental: true
})

export const dropped = (cause: "spam" | "full" | "refused" | "unreachable") => Metric.withAttributes(drops, { cause })

/** Beyond the first try. Together they last about two minutes, in which the queue takes what happens. */
const retries = 12

const pause = Schedule.min([Schedule.exponential("500 millis"), Schedule.spaced("10 seconds")]).pipe(
  Schedule.jittered,
  Schedule.upTo({ times: retries })
)

/** No answer, or one that says to come again. Repeating is harmless: names are unique and counts absolute. */
const mayPass = ({ reason }: ApiError): boolean => reason._tag === "Retryable" || reason._tag === "Uncertain"

/** Waits until the budget allows another write. A rate of 0 is no limit. */
const makeBudget = Effect.fnUntraced(function*(qps: number, burst: number) {
  if (qps <= 0) return Effect.void
  const rate = { everyMs: 1000 / qps, burst: Math.max(1, burst) }
  const bucket = yield* Ref.make(fullBucket(rate, yield* Clock.currentTimeMillis))
  return Effect.gen(function*() {
    const taken = takeAhead(yield* Ref.get(bucket), rate, yield* Clock.currentTimeMillis)
    yield* Ref.set(bucket, taken.bucket)
    if (taken.waitMs > 0) yield* Effect.sleep(taken.waitMs)
  })
})

/** The loop, to be run by one fiber. What it knows of written events survives a restart of the loop. */
export const eventWriter = Effect.fnUntraced(function*(queue: Queue.Dequeue<Entry>) {
  const api = yield* KubeApi
  const { eventBurst, eventQps, nodeName } = yield* AgentConfig
  const budget = yield* makeBudget(eventQps, eventBurst)
  const written = yield* Ref.make<Recent<WrittenEvent>>(nothingRecent())
  const sequence = yield* Ref.make(0)

  const create = (event: WrittenEvent, entry: Entry) =>
    api.create(resources.events, { ...eventObject(event, entry, nodeName) }).pipe(
      Effect.asVoid,
      // An earlier try whose answer was lost.
      Effect.catchReason("ApiError", "AlreadyExists", () => Effect.void)
    )

  const send = Effect.fnUntraced(function*(entry: Entry) {
    const known = recall(yield* Ref.get(written), entry.key)
    const event = nextEvent(known, entry, yield* Ref.getAndUpdate(sequence, (n) => n + 1))
    const { name, namespace } = event
    const write = known === undefined
      ? create(event, entry)
      : api.patch(resources.events, { namespace, name }, { type: "strategic", body: eventPatch(event, entry) }).pipe(
        Effect.asVoid,
        // Events live for an hour only: the one we know has passed away, and its history goes on in a new one.
        Effect.catchReason("ApiError", "NotFound", () => create(event, entry))
      )
    yield* Effect.retry(write, { schedule: pause, while: mayPass })
    yield* Ref.update(written, (all) => remember(all, entry.key, event))
  })

  /** An event that cannot be told is no reason to stop telling others. */
  const drop = Effect.fnUntraced(function*(entry: Entry, error: ApiError) {
    const away = mayPass(error)
    yield* Metric.update(dropped(away ? "unreachable" : "refused"), 1)
    // The namespace is gone or about to be: so is everybody who could read it.
    const expected = error.reason._tag === "NotFound" || error.statusReason === "Forbidden"
    const text = `event ${entry.text.reason} of ${entry.subject.namespace}/${entry.subject.name} was dropped`
    yield* expected ? Effect.logDebug(text, error) : Effect.logWarning(text, error)
  })

  return Effect.gen(function*() {
    while (true) {
      const entry = yield* Queue.take(queue)
      yield* budget
      yield* Effect.catch(send(entry), (error) => drop(entry, error))
    }
  })
})
