/**
 * Notices what happens in the runtime and tells the pods concerned: by its events within milliseconds, and by listing
 * everything now and then as the net below them (parity G1). Both only wake; the workers look for themselves.
 */
import { Duration, Effect, Metric, Schedule, Stream } from "effect"
import { ContainerState, Cri } from "../../layers/cri/Cri.ts"
import { type RuntimeEvent, RuntimeEvents } from "../../layers/cri/RuntimeEvents.ts"
import { supervise } from "../supervise.ts"
import { RuntimeHealth } from "./RuntimeHealth.ts"
import { RuntimeView } from "./RuntimeView.ts"

/** Between listings while events flow, and while only listings find changes (parity G1, G2). */
const relistWithEventsMs = 60_000
const relistWithoutEventsMs = 1000

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
    const uid = event.podUid ?? (yield* view.podOf(event.containerId))
    // An id that no listing and no worker has shown yet: look at everything.
    if (uid === undefined || event.kind === "Unknown") return yield* relist
    if (event.kind === "Stopped" && event.sandboxId !== event.containerId) yield* stoppedAtLast(event.containerId)
    yield* wake(uid)
  })

  const eventLoop = source.events.pipe(
    // What happens to one container never delays news of another.
    Stream.mapEffect(follow, { concurrency: 64, unordered: true }),
    Stream.runDrain
  )

  return yield* Effect.all([
    supervise("runtime relist", relistLoop),
    supervise("runtime events", eventLoop)
  ], { concurrency: "unbounded", discard: true })
})
