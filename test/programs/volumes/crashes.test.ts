import { assert, describe, it } from "@effect/vitest"
import { Effect, Layer } from "effect"
import { TestClock } from "effect/testing"
import * as fc from "fast-check"
import type { Pod } from "../../../src/domain/k8s/pod.ts"
import { configMaps } from "../../../src/domain/k8s/resources.ts"
import { HostFiles } from "../../../src/layers/host/HostFiles.ts"
import * as HostFilesMemory from "../../../src/layers/host/HostFilesMemory.ts"
import { Mounts } from "../../../src/layers/host/Mounts.ts"
import * as MountsMemory from "../../../src/layers/host/MountsMemory.ts"
import { sweepStages } from "../../../src/programs/csi/sweepStages.ts"
import { podWith } from "../../domain/volumes/pods.ts"
import {
  bindClaim,
  claimVolume,
  driverName,
  growDisk,
  makeCsiWorld,
  simDriver,
  statusOf,
  volumeCalls
} from "../csi/cluster.ts"
import { eventually, listing, make, makeConfigMap, makeSecret, root, settled, untilReady } from "./world.ts"

const pod: Pod = podWith([
  { name: "d", emptyDir: {} },
  { name: "m", emptyDir: { medium: "Memory" } },
  { name: "c", configMap: { name: "m" } },
  { name: "s", secret: { secretName: "s" } },
  { name: "h", hostPath: { path: "/data", type: "DirectoryOrCreate" } },
  claimVolume("k"),
  { name: "i", csi: { driver: driverName } }
], { securityContext: { fsGroup: 5 } })
const container = pod.spec.containers[0] ?? { name: "c" }
const subPaths = new Map([[0, "x/y"], [2, "a"]])
const at = `${root}/pods/u1/volumes`

/** No place is mounted over twice, whatever was interrupted. */
const mountedOnce = (host: HostFilesMemory.MemoryHost) => {
  const points = host.mountPoints()
  assert.strictEqual(new Set(points).size, points.length, `mounted twice: ${points.join(" ")}`)
}

const isUp = (host: HostFilesMemory.MemoryHost, text: string) => {
  mountedOnce(host)
  assert.strictEqual(host.readText(`${at}/kubernetes.io~configmap/c/a`), text)
  assert.strictEqual(host.readText(`${at}/kubernetes.io~secret/s/k`), "hush")
  assert.strictEqual(host.at(`${at}/kubernetes.io~empty-dir/d`).inode.mode, 0o2777)
  assert.strictEqual(host.at(`${at}/kubernetes.io~empty-dir/d`).inode.gid, 5)
  assert.lengthOf(host.mountPoints().filter((point) => point.startsWith(at)), 4)
  assert.isTrue(host.mountPoints().includes(`${at}/kubernetes.io~csi/pv-k/mount`))
  assert.isTrue(host.mountPoints().includes(`${at}/kubernetes.io~csi/i/mount`))
  const hidden = [...host.at(`${at}/kubernetes.io~configmap/c`).inode.entries.keys()].filter((name) =>
    name.startsWith("..")
  )
  assert.lengthOf(hidden, 2, `left behind: ${hidden.join(" ")}`)
}

const staged = `${root}/plugins/kubernetes.io/csi/${driverName}`

const isGone = (host: HostFilesMemory.MemoryHost) => {
  assert.deepStrictEqual(listing(host, staged).slice(1), [])
  assert.deepStrictEqual(host.mountPoints(), ["/"])
  assert.deepStrictEqual(listing(host, `${root}/pods/u1`).slice(1), [])
  assert.isTrue(host.exists("/data"))
}

/** Agents that die after so many calls to the host, one after the other, while `life` goes on; then one that lives. */
const livesAndDies = (deaths: ReadonlyArray<number>) =>
  Effect.gen(function*() {
    // Told of the pod's own volumes, a driver knows them from those it has to stage.
    const driver = simDriver()
    const world = yield* makeCsiWorld([driver], { podInfoOnMount: true })
    const { client, dieAfter, host, start } = world
    yield* bindClaim(client, "k")
    yield* growDisk(client, "k", "2Gi")
    yield* makeConfigMap(client, "m", { a: "1" })
    yield* makeSecret(client, "s", { k: "hush" })
    for (const callsLeft of deaths) {
      yield* dieAfter(callsLeft, ({ volumes }) =>
        volumes.want(pod).pipe(
          Effect.andThen(settled),
          Effect.andThen(volumes.subPaths(pod, container, subPaths))
        ))
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
    assert.deepInclude(yield* statusOf(client, "k"), { capacity: { storage: "2Gi" } })
    yield* survivor.stop
    for (const callsLeft of deaths) yield* dieAfter(callsLeft, ({ volumes }) => volumes.release("u1"))
    const last = yield* start()
    yield* last.volumes.release("u1")
    // A stage below a volume that is gone is nobody's but the node's.
    yield* Effect.forkScoped(Effect.provide(sweepStages, last.context))
    yield* settled
    yield* TestClock.adjust("10 seconds")
    yield* eventually(() => listing(host, staged).length <= 1, "a stage is left")
    isGone(host)
    const methods = volumeCalls(driver)
    assert.isAtLeast(methods.filter((name) => name === "NodeUnstageVolume").length, 1)
    yield* last.stop
  }).pipe(Effect.scoped)

/** More calls than a life of these volumes has. */
const calls = 100

describe("crash-only: killed between any two calls to host and driver, from attach to unmount", () => {
  it.effect(
    "once, at each point: the next agent converges, mounts nothing twice and leaves nothing",
    () =>
      Effect.forEach(Array.from({ length: calls }, (_, index) => index), (point) => livesAndDies([point]), {
        discard: true
      }),
    60_000
  )

  it.effect("I3: a directory that went, made anew by an agent that dies over it, is finished by the next", () =>
    Effect.gen(function*() {
      const { dieAfter, host, start } = yield* make
      const few = podWith([{ name: "d", emptyDir: {} }, { name: "m", emptyDir: { medium: "Memory" } }], {
        securityContext: { fsGroup: 5 }
      })
      const places = ["d", "m"].map((name) => `${at}/kubernetes.io~empty-dir/${name}`)
      for (let callsLeft = 0; callsLeft < 30; callsLeft++) {
        const agent = yield* start()
        yield* untilReady(agent, few)
        for (const place of places) assert.strictEqual(host.at(place).inode.mode & 0o2777, 0o2777, `${callsLeft}`)
        yield* agent.stop
        // Taken down by half, and the node restarted: what says that they are done is still there.
        yield* Effect.gen(function*() {
          yield* (yield* Mounts).unmount(places[1] ?? "")
          yield* (yield* HostFiles).removeTree(places[0] ?? "")
        }).pipe(Effect.provide(Layer.merge(HostFilesMemory.layer(host), MountsMemory.layer(host))))
        yield* dieAfter(callsLeft, ({ volumes }) => Effect.andThen(volumes.want(few), settled))
      }
    }).pipe(Effect.scoped))

  it("several times in a row", () =>
    fc.assert(
      fc.asyncProperty(
        fc.array(fc.nat(calls), { minLength: 2, maxLength: 4 }),
        (deaths) => Effect.runPromise(livesAndDies(deaths).pipe(Effect.provide(TestClock.layer())))
      ),
      { numRuns: 10 }
    ), 60_000)
})
