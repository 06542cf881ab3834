/** When a failed operation on a volume is tried again: 500 ms, doubled each time, never more than 2 min 2 s (parity I1). */

const firstMs = 500
const longestRetryMs = 122_000

/** `failures`: how many times it failed in a row, at least once. */
export const retryDelayMs = (failures: number): number =>
  Math.min(longestRetryMs, firstMs * 2 ** Math.min(failures - 1, 20))
