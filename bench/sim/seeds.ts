/**
 * Chaos seeds on threads: `bench/sim/seeds.ts '{"from":1,"count":100,"seconds":600,"workers":2,"faultsMax":8, …}'`. Says
 * as one line of JSON how many were played, which failed and how many an hour that is; `hashes` names a file for the
 * traces' hashes.
 */
import { Effect, Iterable, Stream } from "effect"
import { writeFileSync } from "node:fs"
import { families } from "../../src/domain/chaos/faultClasses.ts"
import type { ChaosOptions } from "../../src/testing/chaosRun.ts"
import { makePlayers } from "../../src/testing/players.ts"

interface Wish {
  readonly from: number
  readonly count: number
  /** No seed is begun after this time. */
  readonly seconds: number
  readonly workers: number
  readonly pods: number
  readonly minutes: number
  /** 0: nothing goes wrong, and nothing may be found. */
  readonly faultsMax: number
  readonly hashes?: string
}

const wish: Wish = { from: 1, count: 100, seconds: 3600, workers: 2, pods: 30, minutes: 10, faultsMax: 8 }
Object.assign(wish, JSON.parse(process.argv[2] ?? "{}"))

const { count, faultsMax, from, hashes, minutes, pods, seconds, workers } = wish
const kinds = faultsMax === 0 ? [] : families
const optionsOf = (seed: number): ChaosOptions => ({ seed, nodes: 1, pods, kinds, faultsMax, minutes })

const began = performance.now()
const inTime = () => performance.now() - began < seconds * 1000

const sweep = Effect.gen(function*() {
  const players = yield* makePlayers({
    count: workers,
    module: new URL("../../src/testing/players.ts", import.meta.url).href
  })
  const seeds = Iterable.takeWhile(Iterable.range(from, from + count - 1), inTime)
  return yield* Stream.runCollect(players.playAll(Iterable.map(seeds, optionsOf)))
}).pipe(Effect.scoped)

const played = await Effect.runPromise(sweep)
const wallMs = performance.now() - began
const { system, user } = process.cpuUsage()
if (hashes !== undefined) writeFileSync(hashes, played.map(({ hash, seed }) => `${seed} ${hash}\n`).join(""))
console.log(JSON.stringify({
  seeds: `${from}..${from + played.length - 1}`,
  pods,
  minutes,
  faultsMax,
  workers,
  failed: played.filter(({ violation }) => violation !== undefined).map(({ seed, violation }) =>
    `${seed}: ${violation?.invariant}`
  ),
  wallSeconds: Math.round(wallMs / 1000),
  seedsPerHour: Math.round(played.length * 3_600_000 / wallMs),
  seedsPerCpuHour: Math.round(played.length * 3_600_000_000 / (user + system)),
  virtualToWall: Math.round(played.reduce((sum, { elapsedMs }) => sum + elapsedMs, 0) / wallMs)
}))
