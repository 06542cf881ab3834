/**
 * Every recording of the Go kubelet 1.36, played again on a real containerd. What differs must be explained in
 * `test/golden/differences.ts`, and what is explained there must differ.
 */
import { assert, layer } from "@effect/vitest"
import { Clock, Context, Effect, Layer, Schedule } from "effect"
import { writeFileSync } from "node:fs"
import { Cri } from "../../../src/layers/cri/Cri.ts"
import * as TestContainerd from "../../fixture/containerd/TestContainerd.ts"
import { compare, type Difference } from "../../golden/compare/compare.ts"
import { readRecording, recordedCases } from "../../golden/recording.ts"
import * as GoldenNode from "./GoldenNode.ts"
import { leftOf, play } from "./play.ts"

/** What differs, by case. */
class Replays extends Context.Service<Replays, {
  readonly runtime: string
  readonly differences: ReadonlyMap<string, ReadonlyArray<Difference>>
}>()("kubeffect/test/integration/golden/Replays") {}

const atOnce = 8

const wanted = process.env["GOLDEN"]?.split(",")

/** The longest first, so that the last ones to end are short. */
const recordings = recordedCases
  .filter((name) => wanted === undefined || wanted.includes(name))
  .map(readRecording)
  .toSorted((a, b) => (b.deletedAt_ms ?? 0) - (a.deletedAt_ms ?? 0))

const gone = (name: string, uid: string) =>
  leftOf(name, uid).pipe(
    Effect.filterOrFail((left) => left.length === 0, (left) => left),
    Effect.retry(Schedule.spaced("500 millis").pipe(Schedule.upTo({ duration: "20 seconds" }))),
    Effect.catch((left) => Array.isArray(left) ? Effect.succeed(left) : Effect.die(left))
  )

const replays = Layer.effect(
  Replays,
  Effect.gen(function*() {
    const { runtimeVersion } = yield* (yield* Cri).version({})
    const begin = yield* Clock.currentTimeMillis
    const played = yield* Effect.forEach(
      recordings,
      (recording) =>
        Effect.gen(function*() {
          const { replayed, uid } = yield* play(recording)
          const left = yield* gone(recording.case, uid)
          return [recording.case, compare(recording, { ...replayed, left })] as const
        }),
      { concurrency: atOnce }
    )
    const all = played.flatMap(([, differences]) => differences)
    writeFileSync("/tmp/k_diffs.txt", all.map((d) => `${d.case}\t${d.aspect}\t${d.text}\n`).join(""))
    console.log(runtimeVersion, ((yield* Clock.currentTimeMillis) - begin) / 1000, "s", all.length)
    return Replays.of({ runtime: runtimeVersion, differences: new Map(played) })
  })
)

const under = replays.pipe(
  Layer.provide(GoldenNode.layer),
  Layer.provideMerge(TestContainerd.cri),
  Layer.provideMerge(TestContainerd.layer)
)

layer(under, { timeout: "240 seconds", excludeTestServices: true })("recordings, played again", (it) => {
  for (const name of recordings.map((recording) => recording.case)) {
    it.effect(name, () =>
      Effect.gen(function*() {
        const { differences } = yield* Replays
        assert.deepStrictEqual(differences.get(name), [])
      }))
  }
})
