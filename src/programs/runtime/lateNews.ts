/**
 * Events of what this agent itself is at. Whoever starts or ends something looks when his call has ended, which is soon
 * before or after the event of it; so these wait, and wake only whom nobody has looked at by then.
 */
import { Effect } from "effect"
import type { CriError } from "../../layers/cri/Cri.ts"
import type { RuntimeEvent } from "../../layers/cri/RuntimeEvents.ts"
import * as KeyedMailbox from "../KeyedMailbox.ts"
import { RuntimeView } from "./RuntimeView.ts"

/** Longer than most calls take. */
const waitMs = 3000

/** `relist` finds whose an id is that nobody knows by then. */
export const makeLateNews = Effect.fnUntraced(function*(
  wake: (uid: string) => Effect.Effect<void>,
  relist: Effect.Effect<void, CriError>
) {
  const view = yield* RuntimeView
  const ids = yield* KeyedMailbox.make
  const news = new Map<string, RuntimeEvent>()

  /** Of one id the end counts, in whatever order its events come. */
  const putOff = (event: RuntimeEvent) =>
    Effect.suspend(() => {
      const id = event.containerId
      if (news.get(id)?.kind !== "Stopped") news.set(id, event)
      return ids.offer(id)
    })

  const take = (id: string): RuntimeEvent | undefined => {
    const event = news.get(id)
    news.delete(id)
    return event
  }

  const wakeUnlessSeen = Effect.fnUntraced(function*(event: RuntimeEvent) {
    const uid = yield* view.podOf(event.containerId)
    if (uid !== undefined && (yield* view.told(event))) yield* wake(uid)
  })

  const loop = Effect.gen(function*() {
    while (true) {
      const waiting = yield* ids.takeAll
      yield* Effect.sleep(waitMs)
      const events = waiting.map(take).filter((event) => event !== undefined)
      const owners = yield* Effect.forEach(events, ({ containerId }) => view.podOf(containerId))
      // One listing for all of them.
      if (owners.includes(undefined)) yield* relist
      yield* Effect.forEach(events, wakeUnlessSeen, { discard: true })
    }
  })

  return { putOff, loop }
})
