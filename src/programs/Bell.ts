/**
 * A bell for one who sleeps: rung any number of times before it is heard, it is heard once. A queue of one would do the
 * same, but every pod holds two of these for life, and a queue at rest holds nearly a kilobyte more.
 */
import { type Duration, Effect } from "effect"

export interface Bell {
  rung: boolean
  wake: (() => void) | undefined
}

export const make: Effect.Effect<Bell> = Effect.sync(() => ({ rung: false, wake: undefined }))

export const ring = (bell: Bell): Effect.Effect<void> =>
  Effect.sync(() => {
    bell.rung = true
    bell.wake?.()
  })

/** Waits until it is rung, but no longer than that; as `heard` where there is no limit. */
export const heardWithin = (bell: Bell, limit: Duration.Input | undefined): Effect.Effect<void> =>
  limit === undefined ? heard(bell) : Effect.raceFirst(heard(bell), Effect.sleep(limit))

/** Waits until it is rung; at once when it was rung since it was last heard. For one at a time. */
export const heard = (bell: Bell): Effect.Effect<void> =>
  Effect.callback<void>((resume) => {
    const wake = () => resume(Effect.void)
    if (bell.rung) return wake()
    bell.wake = wake
    return Effect.sync(() => {
      bell.wake = undefined
    })
  }).pipe(
    // Not when it rings: whoever is called away before they go on has not heard it.
    Effect.andThen(Effect.sync(() => {
      bell.rung = false
      bell.wake = undefined
    }))
  )
