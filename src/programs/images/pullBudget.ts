/** How often images may be pulled: beyond the burst a pull fails at once instead of waiting (parity N5). */
import { Duration, Effect } from "effect"
import * as RateLimiter from "effect/persistence/RateLimiter"

/** Takes one pull of the budget, or fails with the kubelet's words. A rate of 0 is no limit. */
export const makePullBudget = Effect.fnUntraced(function*(qps: number, burst: number) {
  if (qps <= 0) return Effect.void
  const limiter = yield* RateLimiter.make
  return limiter.consume({
    algorithm: "token-bucket",
    onExceeded: "fail",
    key: "image pulls",
    limit: burst,
    window: Duration.seconds(burst / qps)
  }).pipe(
    Effect.asVoid,
    Effect.mapError(() => ({ detail: "pull QPS exceeded" }))
  )
}, Effect.provide(RateLimiter.layerStoreMemory))
