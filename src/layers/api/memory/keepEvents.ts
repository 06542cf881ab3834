/** Events are forgotten some time after they were last written; looked at whenever a new one comes. */
import { events } from "../../../domain/k8s/resources.ts"
import type { Reaction } from "./reactions.ts"
import { kindOf, nowMillis, type State } from "./state.ts"

interface Written {
  readonly at: number
  readonly namespace: string
  readonly name: string
  readonly revision: string | undefined
}

export const makeEventKeeper = (state: State): Reaction => {
  const kindOfEvents = kindOf(state, events)
  const written: Array<Written> = []
  let first = 0
  const expire = (now: number): void => {
    for (let oldest = written[first]; oldest !== undefined; oldest = written[++first]) {
      if (oldest.at + state.settings.eventTtlMs > now) break
      const found = state.store.get(kindOfEvents, oldest.namespace, oldest.name)
      // An event that was counted up since has a later entry of its own.
      if (found?.metadata.resourceVersion === oldest.revision && found !== undefined) {
        state.store.remove(kindOfEvents, found)
      }
    }
    if (first < 1000) return
    written.splice(0, first)
    first = 0
  }
  return (kind, { type, object }) => {
    if (kind !== kindOfEvents || type === "DELETED") return
    const now = nowMillis(state)
    const { namespace = "", name = "", resourceVersion } = object.metadata
    written.push({ at: now, namespace, name, revision: resourceVersion })
    expire(now)
  }
}
