/**
 * What the server does by itself after a write, in the same step: namespaces get their first contents and lose their
 * last, dependents follow their owners, pods find nodes, events expire. Reactions see every change in order and write
 * through the same verbs as clients.
 */
import { makeBinder } from "./binder.ts"
import { makeCollector } from "./collector.ts"
import type { Change } from "./history.ts"
import { makeEventKeeper } from "./keepEvents.ts"
import { makeNamespaces } from "./keepNamespaces.ts"
import type { ApiKind } from "./kinds.ts"
import type { State } from "./state.ts"

export type Reaction = (kind: ApiKind, change: Change) => void

/** Listens to the store; the answer works off what has happened since it was last called, and what follows from that. */
export const makeReactions = (state: State): () => void => {
  const reactions: ReadonlyArray<Reaction> = [
    makeNamespaces(state),
    makeCollector(state),
    makeEventKeeper(state),
    ...(state.settings.binder ? [makeBinder(state)] : [])
  ]
  const pending: Array<readonly [ApiKind, Change]> = []
  let settling = false
  state.store.listen((kind, change) => void pending.push([kind, change]))
  return () => {
    if (settling) return
    settling = true
    for (let next = pending.shift(); next !== undefined; next = pending.shift()) {
      const [kind, change] = next
      for (const react of reactions) react(kind, change)
    }
    settling = false
  }
}
