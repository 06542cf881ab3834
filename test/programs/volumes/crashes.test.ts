import { assert, describe, it } from "@effect/vitest"
import { Effect, Fiber } from "effect"
import { TestClock } from "effect/testing"
import * as fc from "fast-check"
import type { Pod } from "../../../src/domain/k8s/pod.ts"
import { configMaps } from "../../../src/domain/k8s/resources.ts"
import type { MemoryHost } from "../../../src/layers/host/HostFilesMemory.ts"
import { podWith } from "../../domain/volumes/pods.ts"
import { eventually, listing, make, makeConfigMap, makeSecret, root, settled, untilReady } from "./world.ts"

const pod: Pod = podWith([
  { name: "d", emptyDir: {} },
  { name: "m", emptyDir: { medium: "Memory" } },
  { name: "c", configMap: { name: "m" } },
  { name: "s", secret: { secretName: "s" } },
  { name: "h", hostPath: { path: "/data", type: "DirectoryOrCreate" } }
], { securityContext: { fsGroup: 5 } })
const container = pod.spec.containers[0] ?? { name: "c" }
const subPaths = new Map([[0, "x/y"], [2, "a"]])
const at = `${root}/pods/u1/volumes`

/** No place is mounted over twice, whatever was interrupted. */
const mountedOnce = (host: MemoryHost) => {
  const points = host.mountPoints()
  assert.strictEqual(new Set(points).size, points.length, `mounted twice: ${points.join(" ")}`)
}

const isUp = (host: MemoryHost, text: string) => {
  mountedOnce(host)
  assert.strictEqual(host.readText(`${at}/kubernetes.io~configmap/c/a`), text)
  assert.strictEqual(host.readText(`${at}/kubernetes.io~secret/s/k`), "hush")
  assert.strictEqual(host.at(`${at}/kubernetes.io~empty-dir/d`).inode.mode, 0o2777)
  assert.strictEqual(host.at(`${at}/kubernetes.io~empty-dir/d`).inode.gid, 5)
  assert.lengthOf(host.mountPoints().filter((point) => point.startsWith(at)), 2)
  const hidden = [...host.at(`${at}/kubernetes.io~configmap/c`).inode.entries.keys()].filter((name) =>
    name.startsWith("..")
  )
  assert.lengthOf(hidden, 2, `left behind: ${hidden.join(" ")}`)
}

const isGone = (host: MemoryHost) => {
  assert.deepStrictEqual(host.mountPoints(), ["/"])
  assert.deepStrictEqual(listing(host, `${root}/pods/u1`).slice(1), [])
  assert.isTrue(host.exists("/data"))
}

/** Agents that die after so many calls to the host, one after the other, while `life` goes on; then one that lives. */
const livesAndDies = (deaths: ReadonlyArray<number>) =>
  Effect.gen(function*() {
    const world = yield* make
    const { client, host, start } = world
    yield* makeConfigMap(client, "m", { a: "1" })
    yield* makeSecret(client, "s", { k: "hush" })
    for (const callsLeft of deaths) {
      const agent = yield* start({ callsLeft })
      yield* agent.volumes.want(pod)
      yield* settled
      const used = yield* Effect.forkChild(agent.volumes.subPaths(pod, container, subPaths))
      yield* settled
      yield* Fiber.interrupt(used)
      yield* agent.stop
      mountedOnce(host)
    }
    const survivor = yield* start()
    yield* untilReady(survivor, pod)
    yield* survivor.volumes.subPaths(pod, container, subPaths)
    isUp(host, "1")
    yield* client.patch(configMaps, { namespace: "default", name: "m" }, { type: "merge", body: { data: { a: "2" } } })
    yield* eventually(() => host.readText(`${at}/kubernetes.io~configmap/c/a`) === "2")
    yield* settled
    isUp(host, "2")
    yield* survivor.stop
    for (const callsLeft of deaths) {
      const agent = yield* start({ callsLeft })
      const release = yield* Effect.forkChild(agent.volumes.release("u1"))
      yield* settled
      yield* Fiber.interrupt(release)
      yield* agent.stop
    }
    yield* (yield* start()).volumes.release("u1")
    isGone(host)
  }).pipe(Effect.scoped)

describe("crash-only: killed between any two calls to the host", () => {
  it.effect("once, at each point: the next agent converges, mounts nothing twice and leaves nothing", () =>
    Effect.forEach(Array.from({ length: 80 }, (_, index) => index), (point) => livesAndDies([point]), {
      discard: true
    }))

  it("several times in a row", () =>
    fc.assert(
      fc.asyncProperty(
        fc.array(fc.nat(80), { minLength: 2, maxLength: 4 }),
        (deaths) => Effect.runPromise(livesAndDies(deaths).pipe(Effect.provide(TestClock.layer())))
      ),
      { numRuns: 25 }
    ))
})
