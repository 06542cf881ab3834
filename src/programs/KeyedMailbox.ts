/**
 * A mailbox of keys that coalesces: a key offered many times before it is taken is taken once. It is bounded by the
 * number of keys there are, so offering never waits and never drops.
 */
import { Effect, Latch } from "effect"

export interface KeyedMailbox {
  readonly offer: (key: string) => Effect.Effect<void>
  /** Waits for at least one key, then takes all, in the order of their first offer. */
  readonly takeAll: Effect.Effect<ReadonlyArray<string>>
}

export const make: Effect.Effect<KeyedMailbox> = Effect.gen(function*() {
  const latch = yield* Latch.make()
  const keys = new Set<string>()
  const offer = (key: string) =>
    Effect.sync(() => {
      keys.add(key)
      latch.openUnsafe()
    })
  const takeAll = latch.await.pipe(Effect.andThen(Effect.sync(() => {
    const taken = [...keys]
    keys.clear()
    latch.closeUnsafe()
    return taken
  })))
  return { offer, takeAll }
})
