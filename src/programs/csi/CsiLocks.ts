/** What the agent holds of persistent CSI volumes in memory: one operation at a time, and which are known to be staged. */
import { Context, Effect, Layer, Semaphore } from "effect"

export class CsiLocks extends Context.Service<CsiLocks, {
  /** Operations on one volume are serial, whichever pods they are for. */
  readonly oneByOne: (name: string) => <A, E, R>(operation: Effect.Effect<A, E, R>) => Effect.Effect<A, E, R>
  /** Names of the volumes that were staged in this life. */
  readonly staged: Set<string>
  /** How large the volumes that grew in this life have become, by name: they are made larger once for all their pods. */
  readonly sizes: Map<string, string>
  /** Names of those that could not be made larger, by the driver's final word. */
  readonly failedExpansions: Set<string>
}>()("kubeffect/programs/csi/CsiLocks") {}

interface Lock {
  readonly semaphore: Semaphore.Semaphore
  users: number
}

export const layer: Layer.Layer<CsiLocks> = Layer.sync(CsiLocks, () => {
  const locks = new Map<string, Lock>()
  const enter = (name: string): Effect.Effect<Lock> =>
    Effect.sync(() => {
      const lock = locks.get(name) ?? { semaphore: Semaphore.makeUnsafe(1), users: 0 }
      lock.users += 1
      locks.set(name, lock)
      return lock
    })
  const leave = (name: string, lock: Lock) =>
    Effect.sync(() => {
      lock.users -= 1
      if (lock.users === 0) locks.delete(name)
    })
  return CsiLocks.of({
    oneByOne: (name) => (operation) =>
      Effect.acquireUseRelease(
        enter(name),
        (lock) => lock.semaphore.withPermits(1)(operation),
        (lock) => leave(name, lock)
      ),
    staged: new Set(),
    sizes: new Map(),
    failedExpansions: new Set()
  })
})
