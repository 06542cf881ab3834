/**
 * What the simulation does in an hour: seeds of one node with 30 pods and ten minutes of faults, and virtual time
 * against real. `bench/sim.ts [seconds]`, a minute when absent.
 */
import { families } from "../src/domain/chaos/faultClasses.ts"
import { runChaos } from "../src/testing/chaosRun.ts"

const budgetMs = Number(process.argv[2] ?? 60) * 1000
const began = performance.now()
let seeds = 0
let virtualMs = 0
const failed: Array<number> = []
while (performance.now() - began < budgetMs) {
  seeds += 1
  const run = runChaos({ seed: seeds, nodes: 1, pods: 30, kinds: families, faultsMax: 8, minutes: 10 })
  virtualMs += run.elapsedMs
  if (run.violation !== undefined) failed.push(seeds)
}
const wallMs = performance.now() - began
console.log(JSON.stringify({
  seeds,
  failed,
  seedsPerHour: Math.round((seeds * 3_600_000) / wallMs),
  virtualToWall: Math.round(virtualMs / wallMs),
  rssMiB: Math.round(process.memoryUsage().rss / 2 ** 20)
}))
