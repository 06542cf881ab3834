/**
 * Hunts mutants: plays seeds until an invariant breaks that holds without the mutant, and shortens the faults that it
 * took. `node test/chaos/mutants/hunt.ts` hunts them all and writes what it caught; with names, only those.
 */
import { existsSync, readFileSync, writeFileSync } from "node:fs"
import { describeFault, type Fault } from "../../../src/domain/chaos/fault.ts"
import { shrink } from "../../../src/domain/chaos/shrink.ts"
import { type ChaosOptions, faultsOf, runChaos } from "../../../src/testing/chaosRun.ts"
import type { Catch, Mutant } from "./Mutant.ts"
import { mutants } from "./mutants.ts"
import { plant } from "./plant.ts"

const caughtFile = new URL("./caught.json", import.meta.url)
const huntMs = Number(process.env["HUNT_MS"] ?? 600_000)
const triesMax = 60

export const optionsOf = ({ kinds, nodes = 1, pods }: Mutant, seed: number): ChaosOptions => ({
  seed,
  nodes,
  pods: 4,
  podKinds: pods.split(","),
  kinds: kinds.split(","),
  faultsMax: 4,
  minutes: 1
})

const hunt = async (mutant: Mutant): Promise<Catch | undefined> => {
  const planted = await plant(mutant)
  const until = performance.now() + huntMs
  for (let seed = 1; performance.now() < until; seed += 1) {
    const options = optionsOf(mutant, seed)
    const invariant = planted.runChaos(options).violation?.invariant
    if (invariant === undefined) continue
    const same = (faults: ReadonlyArray<Fault>) =>
      planted.runChaos({ ...options, faults }).violation?.invariant === invariant
    const faults = shrink(faultsOf(options), same, triesMax)
    // What breaks without the mutant, too, is another bug.
    if (runChaos({ ...options, faults }).violation === undefined) return { seed, invariant, faults }
  }
  return undefined
}

const known: Record<string, Catch> = existsSync(caughtFile) ? JSON.parse(readFileSync(caughtFile, "utf8")) : {}
const names = process.argv.slice(2)
for (const mutant of mutants) {
  if (names.length > 0 && !names.includes(mutant.name)) continue
  const startedAt = performance.now()
  const caught = await hunt(mutant)
  const seconds = ((performance.now() - startedAt) / 1000).toFixed(1)
  if (caught === undefined) {
    console.log(`${mutant.name}: not caught in ${seconds} s`)
    process.exitCode = 1
    continue
  }
  known[mutant.name] = caught
  console.log(`${mutant.name}: ${caught.invariant}, seed ${caught.seed}, ${caught.faults.length} faults, ${seconds} s`)
  for (const fault of caught.faults) console.log(`    ${describeFault(fault)}`)
}
const ordered = Object.fromEntries(
  mutants.flatMap(({ name }) => known[name] === undefined ? [] : [[name, known[name]]])
)
writeFileSync(caughtFile, `${JSON.stringify(ordered, undefined, 1)}\n`)
