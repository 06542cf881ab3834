/** Time that goes by, which nobody can set: for ages and pauses, where the wall clock is for what people read. */
import { Effect } from "effect"

/** Milliseconds since some moment before the agent's start. */
export const elapsedMs: Effect.Effect<number> = Effect.clockWith((clock) =>
  Effect.succeed(Number(clock.monotonicTimeNanosUnsafe() / 1_000_000n))
)
