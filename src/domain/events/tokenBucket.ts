/** A budget that refills steadily up to a burst: how often something may happen. */

export interface Rate {
  /** Time in which one token comes back. */
  readonly everyMs: number
  readonly burst: number
}

export interface TokenBucket {
  readonly tokens: number
  readonly lastMs: number
}

export const fullBucket = (rate: Rate, nowMs: number): TokenBucket => ({ tokens: rate.burst, lastMs: nowMs })

/** The bucket as it is now. A clock that goes back brings nothing. */
const refill = (bucket: TokenBucket, rate: Rate, nowMs: number): TokenBucket => ({
  tokens: Math.min(rate.burst, bucket.tokens + Math.max(0, nowMs - bucket.lastMs) / rate.everyMs),
  lastMs: nowMs
})

/** Takes a token now; undefined when there is none. */
export const tryTake = (bucket: TokenBucket, rate: Rate, nowMs: number): TokenBucket | undefined => {
  const now = refill(bucket, rate, nowMs)
  return now.tokens < 1 ? undefined : { ...now, tokens: now.tokens - 1 }
}

/** Takes a token that may have yet to come: `waitMs` says how long to wait for it. */
export const takeAhead = (
  bucket: TokenBucket,
  rate: Rate,
  nowMs: number
): { readonly bucket: TokenBucket; readonly waitMs: number } => {
  const now = refill(bucket, rate, nowMs)
  const waitMs = now.tokens >= 1 ? 0 : Math.ceil((1 - now.tokens) * rate.everyMs)
  return { bucket: { ...now, tokens: now.tokens - 1 }, waitMs }
}
