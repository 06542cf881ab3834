/**
 * How long a pod with many volumes waits for them, beside the same mounts made by hand in the same run. Needs root.
 *
 *     npm run bench:volumes -- [volumes, default 20] [rounds, default 15]
 */
import { NodeRuntime } from "@effect/platform-node"
import { Console, Effect, Schedule } from "effect"
import type { Volume } from "../src/domain/k8s/volume.ts"
import { podWith } from "../test/domain/volumes/pods.ts"
import { mountByHand, realHost, scratch } from "../test/integration/volumes/ground.ts"
import { makeOn, makeSecret } from "../test/programs/volumes/world.ts"
import { percentile } from "./measure.ts"

const [count = 20, rounds = 15] = process.argv.slice(2).map(Number)

const names = Array.from({ length: count }, (_, index) => `v${index}`)

const kinds: Readonly<Record<string, (name: string) => Volume>> = {
  "emptyDir in memory": (name) => ({ name, emptyDir: { medium: "Memory", sizeLimit: "1Mi" } }),
  secret: (name) => ({ name, secret: { secretName: "s" } })
}

const bench = Effect.gen(function*() {
  const dir = yield* scratch
  const { client, start } = yield* makeOn({ layer: realHost, root: `${dir}/root` })
  yield* makeSecret(client, "s", { key: "value" })
  const { stop, volumes } = yield* start()
  yield* Effect.addFinalizer(() => stop)
  const untilReady = (uid: string) =>
    volumes.state(uid).pipe(
      Effect.flatMap(({ ready }) => (ready ? Effect.void : Effect.fail("not yet"))),
      Effect.retry({ times: 10_000, schedule: Schedule.spaced(1) })
    )
  for (const [kind, volumeOf] of Object.entries(kinds)) {
    const times: { readonly hand: Array<number>; readonly agent: Array<number> } = { hand: [], agent: [] }
    for (let round = 0; round < rounds; round++) {
      times.hand.push(mountByHand(dir, names))
      const uid = `${kind.split(" ")[0]}-${round}`
      const before = performance.now()
      yield* volumes.want(podWith(names.map(volumeOf), {}, { uid }))
      yield* untilReady(uid)
      times.agent.push(performance.now() - before)
      yield* volumes.release(uid)
    }
    const [hand, agent] = [percentile(times.hand, 0.5), percentile(times.agent, 0.5)]
    const ratio = `${(agent / hand).toFixed(2)} (goal ≤ 1.30)`
    yield* Console.log(`${count} × ${kind}: ${agent.toFixed(0)} ms, by hand ${hand.toFixed(0)} ms, ratio ${ratio}`)
  }
})

NodeRuntime.runMain(Effect.scoped(bench))
