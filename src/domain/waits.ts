/**
 * Waits by the wall clock, which somebody may set. Put forward, it ends them early; set back, it must not put off what is
 * due in seconds by hours.
 */
export interface Wait {
  readonly sinceMs: number
  readonly lengthMs: number
}

/**
 * What is left of the wait, never more than its length. One whose beginning is yet to come began before the clock was set
 * back, nobody knows how long ago: it is over. Were it to begin anew now, it would at every look until the old time comes.
 */
export const waitLeftMs = ({ lengthMs, sinceMs }: Wait, nowMs: number): number =>
  sinceMs > nowMs ? 0 : Math.max(0, sinceMs + lengthMs - nowMs)
