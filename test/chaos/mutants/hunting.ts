/** Looks for the run that gives a mutant away, and plays it again. */
import type { Fault } from "../../../src/domain/chaos/fault.ts"
import { shrink } from "../../../src/domain/chaos/shrink.ts"
import { type ChaosOptions, faultsOf, runChaos } from "../../../src/testing/chaosRun.ts"
import type { Catch, Mutant } from "./Mutant.ts"
import { plant } from "./plant.ts"

/** Tries of the shortening, each a run. */
const triesMax = 60

const optionsOf = ({ kinds, minutes = 1, nodes = 1, pods }: Mutant, seed: number): ChaosOptions => ({
  seed,
  nodes,
  pods: 4,
  podKinds: pods.split(","),
  kinds: kinds.split(","),
  faultsMax: 4,
  minutes
})

const holdsWithout = (options: ChaosOptions): boolean => runChaos(options).violation === undefined

/** Plays the seeds from `from` on, until an invariant breaks that holds without the mutant. */
export const hunt = async (
  mutant: Mutant,
  from: number,
  goesOn: (seed: number) => boolean
): Promise<Catch | undefined> => {
  const planted = await plant(mutant)
  for (let seed = from; goesOn(seed); seed += 1) {
    const options = optionsOf(mutant, seed)
    const invariant = planted.runChaos(options).violation?.invariant
    if (invariant === undefined) continue
    const same = (faults: ReadonlyArray<Fault>) =>
      planted.runChaos({ ...options, faults }).violation?.invariant === invariant
    const faults = shrink(faultsOf(options), same, triesMax)
    if (holdsWithout({ ...options, faults })) return { seed, invariant, faults }
  }
  return undefined
}

/** Whether the run that gave the mutant away still does, and breaks nothing without it. */
export const isCaughtAgain = async (mutant: Mutant, { faults, invariant, seed }: Catch): Promise<boolean> => {
  const { runChaos: runPlanted } = await plant(mutant)
  const options = { ...optionsOf(mutant, seed), faults }
  return runPlanted(options).violation?.invariant === invariant && holdsWithout(options)
}
