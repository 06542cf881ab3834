/**
 * Hunts the mutants of `test/chaos/mutants` anew and writes down the runs that give them away: `npm run hunt`, or with
 * names only those. Prints the table of `docs/chaos.md`.
 */
import { describeFault } from "../src/domain/chaos/fault.ts"
import { readCaught, writeCaught } from "../test/chaos/mutants/caught.ts"
import { hunt } from "../test/chaos/mutants/hunting.ts"
import { mutants } from "../test/chaos/mutants/mutants.ts"

const huntMs = 10 * 60_000

const caught = { ...readCaught() }
const names = process.argv.slice(2)
for (const mutant of mutants) {
  if (names.length > 0 && !names.includes(mutant.name)) continue
  const startedAt = performance.now()
  const found = await hunt(mutant, 1, () => performance.now() - startedAt < huntMs)
  const seconds = ((performance.now() - startedAt) / 1000).toFixed(1)
  if (found === undefined) {
    process.exitCode = 1
    console.error(`${mutant.name} was not caught in ${seconds} s`)
    continue
  }
  caught[mutant.name] = found
  console.error(`${mutant.name}: ${found.invariant}, seed ${found.seed}, ${found.faults.length} faults, ${seconds} s`)
  for (const fault of found.faults) console.error(`    ${describeFault(fault)}`)
  writeCaught(caught)
}
for (const { issue, name, saw } of mutants) {
  const found = caught[name]
  if (found === undefined) continue
  const kinds = found.faults.map((fault) => fault.name).join(", ")
  console.log(
    `| ${name} | [#${issue}](https://github.com/kubernetes/kubernetes/issues/${issue}) | ${saw} | ` +
      `${found.invariant} | ${found.seed} | ${found.faults.length}${kinds === "" ? "" : `: ${kinds}`} |`
  )
}
