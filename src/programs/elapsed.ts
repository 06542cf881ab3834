/** Time that goes by, which nobody can set: for ages and pauses, where the wall clock is for what people read. */
import { type Clock, Effect } from "effect"

/** Milliseconds since some moment before the agent's start. */
export const elapsedMsOf = (clock: Clock.Clock): number => Number(clock.monotonicTimeNanosUnsafe() / 1_000_000n)

/** `elapsedMsOf` the clock there is. */
export const elapsedMs: Effect.Effect<number> = Effect.clockWith((clock) => Effect.succeed(elapsedMsOf(clock)))
