/** Times of the benchmark: taken from the monotonic clock, summed up by percentiles. */
import { Effect } from "effect"

/** How long an effect takes, in milliseconds. */
export const timed = <A, E, R>(effect: Effect.Effect<A, E, R>) =>
  Effect.suspend(() => {
    const begin = performance.now()
    return Effect.map(effect, (value) => ({ value, ms: performance.now() - begin }))
  })

/** The time below which `share` (0…1) of the times are. */
export const percentile = (times: ReadonlyArray<number>, share: number): number => {
  const sorted = times.toSorted((a, b) => a - b)
  return sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] ?? Number.NaN
}
