/**
 * Plays the runs that give mutants away, in a process of its own: `node play.ts <name>…`. Tells a line of JSON for each.
 * Where other work has changed what a seed draws, the seeds after it have to do.
 */
import { readCaught } from "./caught.ts"
import { hunt, isCaughtAgain } from "./hunting.ts"
import { mutants } from "./mutants.ts"

const moreSeeds = 12
const caught = readCaught()
for (const name of process.argv.slice(2)) {
  const mutant = mutants.find((one) => one.name === name)
  const known = caught[name]
  if (mutant === undefined || known === undefined) throw new Error(`nothing is known of ${name}`)
  const again = await isCaughtAgain(mutant, known) ? known : await hunt(mutant, 1, (seed) => seed <= moreSeeds)
  process.stdout.write(`${JSON.stringify({ name, faults: again?.faults.length })}\n`)
}
