import { assert, describe, it } from "@effect/vitest"
import { Effect, Stream } from "effect"
import { families } from "../../src/domain/chaos/faultClasses.ts"
import { type ChaosOptions, runChaos } from "../../src/testing/chaosRun.ts"
import { makePlayers } from "../../src/testing/players.ts"

const module = new URL("../../src/testing/players.ts", import.meta.url).href

const options = (seed: number): ChaosOptions => ({
  seed,
  nodes: 1,
  pods: 2,
  kinds: families,
  faultsMax: 2,
  minutes: 1
})

describe("players", () => {
  it.live(
    "play what one thread would, in the order it was asked for, however many they are",
    () =>
      Effect.gen(function*() {
        const all = [3, 1].map(options)
        const players = yield* makePlayers({ count: 2, module })
        const played = yield* Stream.runCollect(players.playAll(all))
        const told = (seed: number, hash: string) => `${seed} ${hash}`
        assert.deepStrictEqual(
          played.map(({ hash, seed }) => told(seed, hash)),
          all.map((one) => told(one.seed, runChaos(one).hash))
        )
      }),
    60_000
  )

  it.live("tell when a thread ends", () =>
    Effect.gen(function*() {
      const players = yield* makePlayers({
        count: 1,
        module: "data:text/javascript,export const serve = () => process.exit(3)"
      })
      const { message } = yield* Effect.flip(players.play(options(1)))
      assert.strictEqual(message, "the player of seed 1 ended: 3")
    }), 20_000)
})
