/** Finds a short list that still fails, by leaving out ever smaller parts (Zeller's delta debugging). */

/** `fails` is asked at most `triesMax` times. What comes back failed when it was tried, or is all of `items`. */
export const shrink = <A>(
  items: ReadonlyArray<A>,
  fails: (items: ReadonlyArray<A>) => boolean,
  triesMax: number
): ReadonlyArray<A> => {
  let current = items
  let parts = 2
  let tries = 0
  while (current.length > 0 && tries < triesMax) {
    const size = Math.ceil(current.length / parts)
    let shorter: ReadonlyArray<A> | undefined
    for (let from = 0; from < current.length && shorter === undefined && tries < triesMax; from += size) {
      const rest = current.filter((_, index) => index < from || index >= from + size)
      tries += 1
      if (fails(rest)) shorter = rest
    }
    if (shorter !== undefined) {
      current = shorter
      parts = Math.max(2, parts - 1)
    } else if (size === 1) return current
    else parts = Math.min(current.length, parts * 2)
  }
  return current
}
