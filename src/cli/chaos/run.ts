/** `kubeffect chaos`: plays seeds on threads, shortens what fails, and says how to see it again. */
import { Clock, Console, Data, Effect, FileSystem, Iterable, Result, Stream } from "effect"
import { describeFault, type Fault } from "../../domain/chaos/fault.ts"
import { unknownKinds } from "../../domain/chaos/faultClasses.ts"
import { parseSeeds } from "../../domain/chaos/seeds.ts"
import { shrink } from "../../domain/chaos/shrink.ts"
import { visitAwaitPoints } from "../../testing/awaitPoints.ts"
import { type ChaosOptions, type ChaosResult, faultsOf, runChaos } from "../../testing/chaosRun.ts"
import { makePlayers } from "../../testing/players.ts"
import { progressLine } from "./progress.ts"
import { reportHtml } from "./report.ts"

export interface ChaosWish {
  readonly seeds: string
  readonly nodes: number
  readonly pods: number
  readonly faults: string
  readonly faultsMax: number
  readonly minutes: number
  readonly replay: number | undefined
  /** Numbers of the seed's faults to keep, from 0; empty: all. */
  readonly only: string
  /** Every how many-th point at which the agent waits is died at, instead of any seeds. */
  readonly awaitPoints: number | undefined
  readonly json: string | undefined
  readonly report: string | undefined
  /** Threads that play. */
  readonly workers: number
  readonly interactive: boolean
}

/** What a player's thread loads of this module, bundled or not. */
export { serve } from "../../testing/players.ts"

export class ChaosError extends Data.TaggedError("ChaosError")<{ readonly message: string }> {}

/** Tries of the shortening, each a run. */
const triesMax = 60
/** Failures that are shortened and told in full; the rest are only counted. */
const toldMax = 5

const words = (text: string): ReadonlyArray<string> => text.split(",").filter((word) => word !== "")

const replayCommand = (wish: ChaosWish, seed: number, only: ReadonlyArray<number>): string => {
  const kept = only.length === 0 ? "" : ` --only ${only.join(",")}`
  return `kubeffect chaos --replay ${seed} --nodes ${wish.nodes} --pods ${wish.pods} --minutes ${wish.minutes} ` +
    `--faults ${wish.faults} --faults-max ${wish.faultsMax}${kept}`
}

const optionsOf = (wish: ChaosWish, seed: number): ChaosOptions => ({
  seed,
  nodes: wish.nodes,
  pods: wish.pods,
  kinds: words(wish.faults),
  faultsMax: wish.faultsMax,
  minutes: wish.minutes
})

/** The fewest of the seed's faults that still break the same invariant. */
const shortened = (options: ChaosOptions, failed: ChaosResult): ReadonlyArray<Fault> =>
  shrink(
    failed.faults,
    (faults) => runChaos({ ...options, faults }).violation?.invariant === failed.violation?.invariant,
    triesMax
  )

const verdictOf = ({ seed, violation }: ChaosResult): string =>
  violation === undefined
    ? `seed ${seed}: every invariant held`
    : `seed ${seed}: ${violation.invariant} broken at ${(violation.atMs / 1000).toFixed(1)} s: ${violation.message}`

const tell = Effect.fnUntraced(function*(wish: ChaosWish, failed: ChaosResult) {
  yield* Console.log(verdictOf(failed))
  const few = shortened(optionsOf(wish, failed.seed), failed)
  yield* Console.log(`  shortened from ${failed.faults.length} faults to ${few.length}:`)
  yield* Effect.forEach(few, (fault) => Console.log(`    ${describeFault(fault)}`), { discard: true })
  const numbers = few.map((fault) => failed.faults.indexOf(fault))
  yield* Console.log(`  replay: ${replayCommand(wish, failed.seed, numbers)}`)
})

const save = Effect.fnUntraced(function*(wish: ChaosWish, result: ChaosResult) {
  const fs = yield* FileSystem.FileSystem
  if (wish.json !== undefined) yield* fs.writeFileString(wish.json, `${JSON.stringify(result, undefined, 1)}\n`)
  if (wish.report !== undefined) {
    yield* fs.writeFileString(
      wish.report,
      reportHtml(
        result,
        replayCommand(wish, result.seed, wish.replay === undefined ? [] : words(wish.only).map(Number))
      )
    )
  }
})

const replay = Effect.fnUntraced(function*(wish: ChaosWish, seed: number) {
  const options = optionsOf(wish, seed)
  const numbers = words(wish.only).map(Number)
  const faults = faultsOf(options).filter((_, index) => numbers.length === 0 || numbers.includes(index))
  yield* Effect.forEach(faults, (fault) => Console.log(`  ${describeFault(fault)}`), { discard: true })
  const result = runChaos({ ...options, faults, keepTrace: true })
  yield* Console.log(`${verdictOf(result)}; trace ${result.hash}`)
  yield* save(wish, result)
  if (result.violation !== undefined) return yield* new ChaosError({ message: `seed ${seed} breaks an invariant` })
})

const draw = (wish: ChaosWish, line: string) =>
  Effect.sync(() => void (wish.interactive && process.stderr.write(`\r${line}\u001b[K`)))

const sweep = Effect.fnUntraced(function*(wish: ChaosWish) {
  const { from, to } = yield* Effect.mapError(
    Effect.fromResult(parseSeeds(wish.seeds)),
    (message) => new ChaosError({ message })
  )
  const total = to - from + 1
  const players = yield* makePlayers({ count: Math.min(wish.workers, total), module: import.meta.url })
  const began = yield* Clock.currentTimeMillis
  const failed: Array<number> = []
  let done = 0
  const take = Effect.fnUntraced(function*(result: ChaosResult) {
    done += 1
    if (result.violation !== undefined) {
      failed.push(result.seed)
      yield* draw(wish, "")
      yield* failed.length <= toldMax ? tell(wish, result) : Console.log(verdictOf(result))
      if (failed.length === 1) yield* save(wish, runChaos({ ...optionsOf(wish, result.seed), keepTrace: true }))
    }
    const elapsedMs = (yield* Clock.currentTimeMillis) - began
    yield* draw(wish, progressLine({ done, total, failed: failed.length, elapsedMs }))
  })
  const wishes = Iterable.map(Iterable.range(from, to), (seed) => optionsOf(wish, seed))
  yield* Stream.runForEach(players.playAll(wishes), take).pipe(
    Effect.mapError(({ message }) => new ChaosError({ message }))
  )
  yield* draw(wish, "")
  yield* Console.log(`${total} seeds, ${failed.length} failed`)
  if (failed.length > 0) return yield* new ChaosError({ message: `seeds that fail: ${failed.join(", ")}` })
}, Effect.scoped)

const dieEverywhere = Effect.fnUntraced(function*(wish: ChaosWish, stride: number) {
  const { from } = Result.getOrElse(parseSeeds(wish.seeds), () => ({ from: 1 }))
  const began = yield* Clock.currentTimeMillis
  const clock = yield* Clock.Clock
  const onVisit = (done: number, total: number) => {
    const elapsedMs = clock.currentTimeMillisUnsafe() - began
    if (wish.interactive) process.stderr.write(`\r${progressLine({ done, total, failed: 0, elapsedMs })}\u001b[K`)
  }
  const { broken, chosen, points, visited } = visitAwaitPoints({ seed: from, stride, onVisit })
  yield* draw(wish, "")
  yield* Console.log(`${points.length} points at which the agent waits; it died at ${visited} of ${chosen} chosen`)
  yield* Effect.forEach(
    broken,
    ({ point, violation }) =>
      Console.log(`point ${point.number}, ${point.kind} ${point.what}: ${violation.invariant}: ${violation.message}`),
    {
      discard: true
    }
  )
  if (broken.length > 0 || visited < chosen) {
    return yield* new ChaosError({ message: `${broken.length} deaths break an invariant` })
  }
})

export const chaos = Effect.fn("chaos")(function*(wish: ChaosWish) {
  if (wish.awaitPoints !== undefined) return yield* dieEverywhere(wish, Math.max(1, wish.awaitPoints))
  const strange = unknownKinds(words(wish.faults))
  if (strange.length > 0) return yield* new ChaosError({ message: `no such faults: ${strange.join(", ")}` })
  const numbers = words(wish.only)
  if (!numbers.every((text) => Result.isSuccess(parseSeeds(text)))) {
    return yield* new ChaosError({ message: `--only takes numbers of faults, not "${wish.only}"` })
  }
  yield* wish.replay === undefined ? sweep(wish) : replay(wish, wish.replay)
})
