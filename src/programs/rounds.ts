/** Does the same again and again, with a pause between two times: what every loop of the agent that looks around is. */
import { type Duration, Effect } from "effect"

/** Runs `round` for ever; each says how long to wait for the next. Fails when a round fails. */
export const pacedRounds = <E, R>(round: Effect.Effect<Duration.Input, E, R>): Effect.Effect<never, E, R> =>
  // A round that waited has let others go first, and a node has many of these loops: none yields once more for nothing.
  Effect.forever(Effect.flatMap(round, Effect.sleep), { disableYield: true })

/** Runs `round` for ever, the next one so long after the last has ended; fails when a round fails. */
export const rounds = <E, R>(
  pause: Duration.Input,
  round: Effect.Effect<unknown, E, R>
): Effect.Effect<never, E, R> => pacedRounds(Effect.as(round, pause))
