/**
 * Every recording of the Go kubelet 1.36, played again on a real containerd. What differs must be explained in
 * `test/golden/differences.ts`, and what is explained there must differ.
 */
import { assert, layer } from "@effect/vitest"
import { Context, Effect, Layer, Schedule } from "effect"
import { writeFileSync } from "node:fs"
import { Cri } from "../../../src/layers/cri/Cri.ts"
import * as TestContainerd from "../../fixture/containerd/TestContainerd.ts"
import { compare, type Difference } from "../../golden/compare/compare.ts"
import { explanations } from "../../golden/differences.ts"
import { explanationsFor, idle, unexplained } from "../../golden/explain.ts"
import { readRecording, recordedCases, type Recording } from "../../golden/recording.ts"
import * as GoldenNode from "./GoldenNode.ts"
import { leftOf, play } from "./play.ts"

/** What differs, by case. */
class Replays extends Context.Service<Replays, {
  readonly runtime: string
  readonly differences: ReadonlyMap<string, ReadonlyArray<Difference>>
}>()("kubeffect/test/integration/golden/Replays") {}

const atOnce = 8

/** The longest first, so that the last ones to end are short. */
const recordings = recordedCases
  .map(readRecording)
  .toSorted((a, b) => (b.deletedAt_ms ?? 0) - (a.deletedAt_ms ?? 0))

const gone = (name: string, uid: string) =>
  leftOf(name, uid).pipe(
    Effect.filterOrFail((left) => left.length === 0, (left) => left),
    Effect.retry(Schedule.spaced("500 millis").pipe(Schedule.upTo({ duration: "20 seconds" }))),
    Effect.catch((left) => Array.isArray(left) ? Effect.succeed(left) : Effect.die(left))
  )

const playAndCompare = Effect.fnUntraced(function*(recording: Recording) {
  const { replayed, uid } = yield* play(recording)
  const left = yield* gone(recording.case, uid)
  return { recording, found: compare(recording, { ...replayed, left }) }
})

const replays = Layer.effect(
  Replays,
  Effect.gen(function*() {
    const { runtimeVersion } = yield* (yield* Cri).version({})
    const table = explanationsFor(explanations, runtimeVersion)
    const first = yield* Effect.forEach(recordings, playAndCompare, { concurrency: atOnce })
    // The recorded pods were alone on their node: what went otherwise among others is played once more, alone.
    const played = yield* Effect.forEach(first, ({ found, recording }) =>
      unexplained(table, found).length === 0
        ? Effect.succeed([recording.case, found] as const)
        : Effect.map(playAndCompare(recording), (again) => [recording.case, again.found] as const))
    // For who wants to read all of it.
    const file = process.env["KUBEFFECT_DIFFERENCES"]
    if (file !== undefined) {
      const lines = played.flatMap(([, found]) => found).map(({ aspect, case: name, text }) =>
        `${name}\t${aspect}\t${text}\n`
      )
      yield* Effect.sync(() => writeFileSync(file, lines.join("")))
    }
    return Replays.of({ runtime: runtimeVersion, differences: new Map(played) })
  })
)

const under = replays.pipe(
  Layer.provide(GoldenNode.layer),
  Layer.provideMerge(TestContainerd.cri),
  Layer.provideMerge(TestContainerd.layer)
)

layer(under, { timeout: "400 seconds", excludeTestServices: true })("recordings, played again", (it) => {
  const titles: Array<string> = []

  /** The case's name stands last, after the ids that it proves. */
  const played = (title: string) => {
    const name = title.split(": ").at(-1) ?? ""
    titles.push(name)
    it.effect(title, () =>
      Effect.gen(function*() {
        const { differences, runtime } = yield* Replays
        const found = differences.get(name)
        assert.isDefined(found)
        const left = unexplained(explanationsFor(explanations, runtime), found)
        assert.deepStrictEqual(left, [], left.map(({ aspect, text }) => `${aspect}: ${text}`).join("; "))
      }))
  }

  played("D5, D11: bad-command")
  played("N1, N2, N3: bad-image")
  played("K4: bandwidth")
  played("L2, L5: burstable")
  played("I5: configmap-volume")
  played("D11: crashloop")
  played("C12, F9: deadline")
  played("E4, E5: dns-hosts")
  played("I3: emptydir-kinds")
  played("E1, E3: env-kinds")
  played("D8: ephemeral")
  played("D9, F1: exit-0-onfailure")
  played("F1: exit-3-never")
  played("D9: exit-3-onfailure")
  played("C14: force-delete")
  played("L1, L2, L3: guaranteed")
  played("E12: host-namespaces")
  played("K3: host-port")
  played("I4: hostpath-kinds")
  played("I4, I20: hostpath-wrong-type")
  played("D12: ignores-term")
  played("D3: image-change")
  played("D6: init-fails-always")
  played("D6: init-fails-never")
  played("D6: init-two")
  played("N1: invalid-image-name")
  played("H3: liveness-exec")
  played("E3: missing-configmap-key")
  played("I5, I20: missing-configmap-volume")
  played("I15, I20: missing-pvc")
  played("E3: missing-secret-env")
  played("N1: never-pull-missing")
  played("E7: nonroot-violated")
  played("F2: one-of-two-done")
  played("F3: oom")
  played("D18: pod-level-resources")
  played("D13: poststart-fails")
  played("D13: prestop-exec")
  played("D13: prestop-fails")
  played("D13: prestop-sleep")
  played("E8: privileged")
  played("I5, I7: projected")
  played("F2: readiness-gate")
  played("H4: readiness-http-404")
  played("H4: readiness-http-ok")
  played("D17: resize")
  played("D10: restart-rule")
  played("I7: sa-token-default")
  played("I5, I10: secret-volume")
  played("E7, E8, E9: security")
  played("E2: service-links")
  played("E12: share-pid")
  played("D7: sidecar")
  played("D7: sidecar-job")
  played("D5, T5: simple")
  played("H3: startup-slow")
  played("C6, C9: sysctl-unsafe")
  played("H5: tcp-readiness")
  played("D14: termination-fallback")
  played("D14: termination-message")
  played("C6, C7: too-much-cpu")
  played("D21: tty-stdin")
  played("D16: two-containers")

  it("none is left out", () => assert.deepStrictEqual(titles, recordedCases))

  it.effect("every explanation explains something", () =>
    Effect.gen(function*() {
      const { differences, runtime } = yield* Replays
      const table = explanationsFor(explanations, runtime)
      assert.deepStrictEqual(idle(table, [...differences.values()].flat()), [])
    }))
})
