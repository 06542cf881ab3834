/**
 * Notices what happens in the runtime and tells the pods concerned: by its events within milliseconds, and by listing
 * everything now and then as the net below them (parity G1). Both only wake; the workers look for themselves.
 */
import { Duration, Effect, Metric, Schedule, Stream } from "effect"
import { ContainerState, Cri } from "../../layers/cri/Cri.ts"
import { type RuntimeEvent, RuntimeEvents } from "../../layers/cri/RuntimeEvents.ts"
import * as KeyedMailbox from "../KeyedMailbox.ts"
import { supervise } from "../supervise.ts"
import { RuntimeHealth } from "./RuntimeHealth.ts"
import { RuntimeView } from "./RuntimeView.ts"

/** Between listings while events flow, and while only listings find changes (parity G1, G2). */
const relistWithEventsMs = 60_000
const relistWithoutEventsMs = 1000

/** How long an id may be unknown: longer than most calls that make one take, for then their answer names its pod. */
const strangerMs = 3000

const relistDuration = Metric.histogram("kubelet_pleg_relist_duration_seconds", {
  description: "Duration in seconds for relisting pods in PLEG.",
  boundaries: [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10]
})

/** containerd tells of an exit before its CRI part has seen it: ask until it has, for about two seconds. */
const settling = Schedule.min([Schedule.exponential("5 millis"), Schedule.spaced("250 millis")]).pipe(
  Schedule.upTo({ duration: "2 seconds" })
)

/** Runs for ever; `wake` is called with the UID of every pod that deserves a look. */
export const runtimeWatch = Effect.fnUntraced(function*(wake: (uid: string) => Effect.Effect<void>) {
  const cri = yield* Cri
  const source = yield* RuntimeEvents
  const view = yield* RuntimeView
  const health = yield* RuntimeHealth
  const strangers = yield* KeyedMailbox.make

  const relist = view.relist.pipe(
    Effect.tap(() => health.listed),
    Effect.flatMap((changed) => Effect.forEach(changed, wake, { discard: true })),
    Effect.trackDuration(relistDuration, Duration.toSeconds)
  )

  const relistLoop = Effect.gen(function*() {
    while (true) {
      yield* relist
      const flowing = (yield* source.source) !== "none"
      yield* Effect.sleep(flowing ? relistWithEventsMs : relistWithoutEventsMs)
    }
  })

  const stoppedAtLast = (id: string) =>
    cri.containerStatus({ containerId: id }).pipe(
      Effect.map((answer) => answer.status?.state !== ContainerState.CONTAINER_RUNNING),
      Effect.catch(() => Effect.succeed(true)),
      Effect.repeat({ schedule: settling, until: (stopped) => stopped })
    )

  const follow = Effect.fnUntraced(function*(event: RuntimeEvent) {
    if (event.kind === "Unknown") return yield* relist
    yield* view.outdate(event.containerId)
    const uid = event.podUid ?? (yield* view.podOf(event.containerId))
    if (uid === undefined) return yield* strangers.offer(event.containerId)
    if (event.kind === "Stopped" && event.sandboxId !== event.containerId) {
      yield* stoppedAtLast(event.containerId)
      yield* view.outdate(event.containerId)
    }
    yield* wake(uid)
  })

  /** The event of an own call may come before its answer: only ids that stay unknown are worth a listing, one for all. */
  const strangerLoop = Effect.gen(function*() {
    while (true) {
      const ids = yield* strangers.takeAll
      yield* Effect.sleep(strangerMs)
      const owners = yield* Effect.forEach(ids, view.podOf)
      if (owners.includes(undefined)) yield* relist
      yield* Effect.forEach(owners, (uid) => uid === undefined ? Effect.void : wake(uid), { discard: true })
    }
  })

  const eventLoop = source.events.pipe(
    // What happens to one container never delays news of another.
    Stream.mapEffect(follow, { concurrency: 64, unordered: true }),
    Stream.runDrain
  )

  return yield* Effect.all([
    supervise("runtime relist", relistLoop),
    supervise("runtime events", eventLoop),
    supervise("unknown containers", strangerLoop)
  ], { concurrency: "unbounded", discard: true })
})
