/**
 * How many sandboxes are begun at once. A runtime that gets fifty at a time is slower than one that gets a few, because
 * they wait for each other on the same processors. Whoever is slow for another reason, its network say, gives its place
 * away after a second, so that one stuck pod never holds up the others.
 */
import { Deferred, Effect, Fiber, Semaphore } from "effect"

const perProcessor = 4
const patience = "1 second"

/** Wraps the effects that keep the pace together. */
export const makeStartPace = Effect.fnUntraced(function*(processors: number) {
  const places = yield* Semaphore.make(Math.max(1, processors) * perProcessor)

  /** Holds a place until it is interrupted, or has held it for long enough. */
  const hold = (entered: Deferred.Deferred<void>) =>
    places.withPermit(Effect.andThen(Deferred.succeed(entered, undefined), Effect.sleep(patience)))

  return <A, E, R>(effect: Effect.Effect<A, E, R>): Effect.Effect<A, E, R> =>
    Effect.gen(function*() {
      const entered = yield* Deferred.make<void>()
      const holder = yield* Effect.forkChild(hold(entered))
      return yield* Deferred.await(entered).pipe(Effect.andThen(effect), Effect.ensuring(Fiber.interrupt(holder)))
    })
})
