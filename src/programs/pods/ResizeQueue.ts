/**
 * The pods that ask for other resources than they were allotted (parity D17). Whoever asks is judged at once, together
 * with those who wait: in turn, and again whenever somebody leaves or three minutes have passed.
 */
import { Clock, Context, Effect, Layer, Schedule, Semaphore } from "effect"
import type { Pod } from "../../domain/k8s/pod.ts"
import type { PodSource, ResizeView } from "../../domain/pod/model.ts"
import { inTurn } from "../../domain/resize/admitResize.ts"
import { allocationOf, isResized } from "../../domain/resize/allocation.ts"
import { resizeMessage } from "../../domain/resize/message.ts"
import { EventRecorder } from "../events/EventRecorder.ts"
import { supervise } from "../supervise.ts"
import { Admission } from "./Admission.ts"
import { Allocations } from "./Allocations.ts"
import { type DesiredPod, PodRegistry } from "./PodRegistry.ts"

export interface Allotment {
  /** The pod with the resources that it was allotted. */
  readonly pod: Pod
  readonly resize: ResizeView
}

export class ResizeQueue extends Context.Service<ResizeQueue, {
  /** What the pod is allotted now; what it asks for beyond that is judged when it is new. */
  readonly settle: (desired: DesiredPod) => Effect.Effect<Allotment>
  /** Somebody left, or takes less: those who wait are judged again. */
  readonly roomMade: Effect.Effect<void>
  /** The pod is gone. */
  readonly forget: (uid: string) => Effect.Effect<void>
}>()("kubeffect/programs/pods/ResizeQueue") {}

const retryEvery = "3 minutes"

interface Asking {
  readonly pod: Pod
  readonly source: PodSource
  readonly sinceMs: number
  readonly refused: NonNullable<ResizeView["pending"]> | undefined
}

interface Queue {
  readonly asking: Map<string, Asking>
  /** Generation of the spec that was granted last. */
  readonly granted: Map<string, number>
  readonly admission: Admission["Service"]
  readonly allocations: Allocations["Service"]
  readonly events: EventRecorder["Service"]
  readonly registry: PodRegistry["Service"]
}

const generationOf = ({ metadata }: Pod): number => metadata.generation ?? 0

const tell = ({ events }: Queue, pod: Pod, reason: string, what: string, error?: string) =>
  events.recordPod(pod, {
    type: error === undefined ? "Normal" : "Warning",
    reason,
    message: resizeMessage(pod, { what, generation: generationOf(pod), ...(error === undefined ? {} : { error }) })
  })

/** True when its verdict is another than before. */
const judge = Effect.fnUntraced(function*(queue: Queue, uid: string, asked: Asking) {
  const { admission, asking, granted } = queue
  const { pod, refused } = asked
  const generation = generationOf(pod)
  const verdict = yield* admission.resize(pod, asked.source)
  // The spec may have changed once more meanwhile: that wish is judged by itself.
  if (asking.get(uid) !== asked) return false
  if (verdict._tag === "Granted") {
    asking.delete(uid)
    granted.set(uid, generation)
    yield* tell(queue, pod, "ResizeStarted", "Pod resize started")
    return true
  }
  const { message, reason } = verdict
  if (refused?.reason === reason && refused.message === message && refused.generation === generation) return false
  asking.set(uid, { ...asked, refused: { reason, message, generation } })
  yield* tell(queue, pod, `Resize${reason}`, `Pod resize ${reason}`, message)
  return true
})

/** `asker`: whose worker waits for the answer and needs no wake-up. */
const judgeAll = Effect.fnUntraced(function*(queue: Queue, asker?: string) {
  const { allocations, asking, registry } = queue
  const open = [...asking].filter(([, { refused }]) => refused?.reason !== "Infeasible")
  const waiting = yield* Effect.forEach(
    open,
    ([uid, asked]) => Effect.map(allocations.applied(asked.pod), (allocated) => ({ ...asked, uid, asked, allocated }))
  )
  for (const { asked, uid } of inTurn(waiting)) {
    if (asking.get(uid) !== asked) continue
    if ((yield* judge(queue, uid, asked)) && uid !== asker) yield* registry.touch(uid)
  }
})

const isSameWish = (asked: Asking | undefined, pod: Pod): asked is Asking =>
  asked !== undefined && !isResized(allocationOf(asked.pod), allocationOf(pod))

/** Untraced: it is asked at every look at every pod. */
const settle = Effect.fnUntraced(
  function*(queue: Queue, one: Semaphore.Semaphore, { pod, removed, source }: DesiredPod) {
    const { allocations, asking, granted } = queue
    const { uid } = pod.metadata
    const before = yield* allocations.applied(pod)
    if (before === pod || removed || !isResized(allocationOf(before), allocationOf(pod))) asking.delete(uid)
    else if (!isSameWish(asking.get(uid), pod)) {
      asking.set(uid, { pod, source, sinceMs: yield* Clock.currentTimeMillis, refused: undefined })
      yield* Semaphore.withPermits(one, 1)(judgeAll(queue, uid))
    }
    const inForce = yield* allocations.inForce(uid)
    const pending = asking.get(uid)?.refused
    const generation = granted.get(uid)
    return {
      pod: yield* allocations.applied(pod),
      resize: {
        ...(inForce === undefined ? {} : { inForce }),
        ...(pending === undefined ? {} : { pending }),
        ...(generation === undefined ? {} : { generation })
      }
    }
  }
)

const periodically = Effect.fnUntraced(function*(queue: Queue, roomMade: Effect.Effect<void>) {
  const { allocations, registry } = queue
  const round = Effect.gen(function*() {
    yield* roomMade
    if (!(yield* registry.allSourcesHeard)) return
    const present = yield* registry.all
    yield* allocations.retain(new Set(present.map(({ pod }) => pod.metadata.uid)))
  })
  yield* Effect.repeat(Effect.delay(round, retryEvery), Schedule.forever)
})

export const layer: Layer.Layer<ResizeQueue, never, Admission | Allocations | EventRecorder | PodRegistry> = Layer
  .effect(
    ResizeQueue,
    Effect.gen(function*() {
      const queue: Queue = {
        asking: new Map(),
        granted: new Map(),
        admission: yield* Admission,
        allocations: yield* Allocations,
        events: yield* EventRecorder,
        registry: yield* PodRegistry
      }
      const one = yield* Semaphore.make(1)
      const roomMade = Effect.suspend(() =>
        queue.asking.size === 0 ? Effect.void : Semaphore.withPermits(one, 1)(judgeAll(queue))
      )
      yield* Effect.forkScoped(supervise("deferred resizes", periodically(queue, roomMade)))
      return ResizeQueue.of({
        settle: (desired) => settle(queue, one, desired),
        roomMade,
        forget: (uid) =>
          Effect.sync(() => {
            queue.asking.delete(uid)
            queue.granted.delete(uid)
          })
      })
    })
  )
