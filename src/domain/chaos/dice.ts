/** Dice with a seed: the same seed throws the same numbers, everywhere and for ever. */

export type Dice = () => number

/** A text as a number of 32 bits, so that parts of a run have seeds of their own: `7/n1/3`. */
export const hashText = (text: string): number => {
  let hash = 0x811c9dc5
  for (let i = 0; i < text.length; i += 1) hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193)
  return hash >>> 0
}

/** Numbers in [0, 1). The generator is mulberry32: small, quick, and good enough to choose what goes wrong. */
export const makeDice = (seed: string): Dice => {
  let state = hashText(seed)
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296
  }
}

/** A whole number from `min` to `max`, both included. */
export const between = (dice: Dice, min: number, max: number): number => min + Math.floor(dice() * (max - min + 1))

/** One of the items, which are not none. */
export const pick = <A>(dice: Dice, items: readonly [A, ...ReadonlyArray<A>]): A =>
  items[Math.floor(dice() * items.length)] ?? items[0]
