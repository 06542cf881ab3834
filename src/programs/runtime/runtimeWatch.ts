/**
 * Notices what happens in the runtime and tells the pods concerned: by its events within milliseconds, and by listing
 * everything now and then as the net below them (parity G1). Both only wake; the workers look for themselves.
 */
import { Duration, Effect, Metric, Schedule, Stream } from "effect"
import { type RuntimeEvent, RuntimeEvents } from "../../layers/cri/RuntimeEvents.ts"
import { supervise } from "../supervise.ts"
import { makeLateNews } from "./lateNews.ts"
import { RuntimeHealth } from "./RuntimeHealth.ts"
import { RuntimeView } from "./RuntimeView.ts"

/** Between listings while events flow, and while only listings find changes (parity G1, G2). */
const relistWithEventsMs = 60_000
const relistWithoutEventsMs = 1000

/**
 * containerd tells of an exit before its CRI part has noted it, which takes a while on a node with much to do. Not asked
 * at once, when that is not yet so, or whoever ended it is looking himself.
 */
const notedMs = 10
const noting = Schedule.min([Schedule.exponential("10 millis"), Schedule.spaced("250 millis")]).pipe(
  Schedule.upTo({ duration: "4 seconds" })
)

const relistDuration = Metric.histogram("kubelet_pleg_relist_duration_seconds", {
  description: "Duration in seconds for relisting pods in PLEG.",
  boundaries: [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10]
})

/** Runs for ever; `wake` is called with the UID of every pod that deserves a look. */
export const runtimeWatch = Effect.fnUntraced(function*(wake: (uid: string) => Effect.Effect<void>) {
  const source = yield* RuntimeEvents
  const view = yield* RuntimeView
  const health = yield* RuntimeHealth

  const relist = view.relist.pipe(
    Effect.tap(() => health.listed),
    Effect.flatMap((changed) => Effect.forEach(changed, wake, { discard: true })),
    Effect.trackDuration(relistDuration, Duration.toSeconds)
  )

  const late = yield* makeLateNews(wake, relist)

  const relistLoop = Effect.gen(function*() {
    while (true) {
      yield* relist
      const flowing = (yield* source.source) !== "none"
      yield* Effect.sleep(flowing ? relistWithEventsMs : relistWithoutEventsMs)
    }
  })

  /** Until a look shows what the event tells, or that there is nothing left to look at. */
  const shown = (event: RuntimeEvent) =>
    view.see(event.containerId).pipe(
      Effect.andThen(Effect.zipWith(
        view.told(event),
        view.podOf(event.containerId),
        (isNews, uid) => !isNews || uid === undefined
      )),
      Effect.repeat({ schedule: noting, until: (isShown) => isShown }),
      // The news stands, whatever the runtime has to say.
      Effect.catch((error) => Effect.logDebug("Exit seen, status not", error))
    )

  /** Most events are of what this agent is at, and can wait. */
  const isUrgent = Effect.fnUntraced(function*(event: RuntimeEvent) {
    if (event.kind === "Unknown") return true
    if (!(yield* view.told(event))) return false
    const uid = yield* view.podOf(event.containerId)
    // Only this agent starts anything, and whoever starts or ends something looks when his call has ended.
    const isOwn = event.kind === "Created" || event.kind === "Started" || (yield* view.isEnding(event.containerId))
    if (uid !== undefined && !isOwn) return true
    yield* late.putOff(event)
    return false
  })

  const follow = Effect.fnUntraced(function*(event: RuntimeEvent) {
    if (event.kind === "Unknown") return yield* relist
    const uid = yield* view.podOf(event.containerId)
    if (event.kind === "Stopped") {
      yield* Effect.sleep(notedMs)
      if (!(yield* view.told(event))) return
      yield* shown(event)
    }
    if (uid !== undefined) yield* wake(uid)
  })

  const eventLoop = source.events.pipe(
    Stream.filterEffect(isUrgent),
    // What happens to one container never delays news of another.
    Stream.mapEffect(follow, { concurrency: 64, unordered: true }),
    Stream.runDrain
  )

  return yield* Effect.all([
    supervise("runtime relist", relistLoop),
    supervise("runtime events", eventLoop),
    supervise("late news of the runtime", late.loop)
  ], { concurrency: "unbounded", discard: true })
})
