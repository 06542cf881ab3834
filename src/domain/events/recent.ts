/** A memory of limited size that forgets what was touched longest ago. */
import { HashMap, Option } from "effect"

export interface Touched {
  readonly lastMs: number
}

export type Recent<A extends Touched> = HashMap.HashMap<string, A>

/** As many objects or messages as the kubelet remembers. */
const limit = 4096

export const nothingRecent = <A extends Touched>(): Recent<A> => HashMap.empty()

export const recall = <A extends Touched>(recent: Recent<A>, key: string): A | undefined =>
  Option.getOrUndefined(HashMap.get(recent, key))

/** Halves a memory that is full, so that the sorting is paid for by the two thousand additions before it. */
const forgetOldest = <A extends Touched>(recent: Recent<A>): Recent<A> =>
  HashMap.fromIterable(
    [...recent]
      .sort(([a, one], [b, other]) => other.lastMs - one.lastMs || (a < b ? -1 : 1))
      .slice(0, limit / 2)
  )

export const remember = <A extends Touched>(recent: Recent<A>, key: string, value: A): Recent<A> => {
  const grown = HashMap.set(recent, key, value)
  return HashMap.size(grown) > limit ? forgetOldest(grown) : grown
}
