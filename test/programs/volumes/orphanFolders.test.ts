import { assert, describe, it } from "@effect/vitest"
import { Effect, Layer } from "effect"
import { TestClock } from "effect/testing"
import { HostFiles } from "../../../src/layers/host/HostFiles.ts"
import * as HostFilesMemory from "../../../src/layers/host/HostFilesMemory.ts"
import { Mounts } from "../../../src/layers/host/Mounts.ts"
import * as MountsMemory from "../../../src/layers/host/MountsMemory.ts"
import * as PodRegistry from "../../../src/programs/pods/PodRegistry.ts"
import type { RuntimePod } from "../../../src/programs/runtime/RuntimeIndex.ts"
import { RuntimeView } from "../../../src/programs/runtime/RuntimeView.ts"
import { orphanFolders } from "../../../src/programs/volumes/orphanFolders.ts"
import { PodVolumes } from "../../../src/programs/volumes/PodVolumes.ts"
import { rootLayout } from "../../../src/programs/volumes/rootLayout.ts"
import { VolumeHost } from "../../../src/programs/volumes/VolumeHost.ts"
import { podWith } from "../../domain/volumes/pods.ts"
import { eventually, listing, make, root, settled } from "./world.ts"

const running = (uid: string): RuntimePod => ({
  uid,
  name: uid,
  namespace: "default",
  sandboxIds: ["s"],
  containerIds: []
})

/** A node on which an agent left the volumes of four pods. */
const setup = Effect.gen(function*() {
  const world = yield* make
  const first = yield* world.start()
  for (const uid of ["wanted", "running", "orphan", "stuck"]) {
    yield* first.volumes.want(podWith([{ name: "m", emptyDir: { medium: "Memory" } }], {}, { uid }))
  }
  yield* eventually(() => world.host.table.mounts.length === 5)
  yield* settled
  yield* first.stop
  world.host.write(`${root}/pods/orphan/etc-hosts`, "")
  const { volumes } = yield* world.start()
  const runtime: Array<RuntimePod> = [running("running")]
  const registry = yield* PodRegistry.PodRegistry
  const services = Layer.mergeAll(
    Layer.succeed(PodVolumes, volumes),
    Layer.mock(RuntimeView)({ pods: Effect.sync(() => runtime) }),
    Layer.mock(VolumeHost)({ rootDir: root, syncMs: 60_000 }),
    HostFilesMemory.layer(world.host)
  )
  yield* Effect.forkScoped(orphanFolders.pipe(Effect.provide(services)))
  return { ...world, registry, runtime }
})

const uids = (lines: ReadonlyArray<string>) =>
  [...new Set(lines.flatMap((line) => /\/pods\/([^/ ]+)/.exec(line)?.[1] ?? []))].sort()

describe("G5: folders of pods that are gone", () => {
  it.effect("go with their mounts once all sources are heard; those of known, running or stuck pods stay", () =>
    Effect.gen(function*() {
      const { host, registry, runtime } = yield* setup
      const left = () => uids(listing(host, `${root}/pods`))
      yield* TestClock.adjust("1 minute")
      yield* settled
      assert.deepStrictEqual(left(), ["orphan", "running", "stuck", "wanted"], "nobody has said yet what is wanted")
      host.setBusy(`${root}/pods/stuck/volumes/kubernetes.io~empty-dir/m`, true)
      yield* registry.replace("api", [podWith([], {}, { uid: "wanted" })])
      yield* TestClock.adjust("10 seconds")
      yield* eventually(() => !left().includes("orphan"))
      yield* settled
      assert.deepStrictEqual(left(), ["running", "stuck", "wanted"])
      runtime.length = 0
      yield* TestClock.adjust("10 seconds")
      yield* eventually(() => !left().includes("running"))
      host.setBusy(`${root}/pods/stuck/volumes/kubernetes.io~empty-dir/m`, false)
      yield* TestClock.adjust("3 minutes")
      yield* eventually(() => !left().includes("stuck"))
      assert.deepStrictEqual(left(), ["wanted"])
    }).pipe(Effect.provide(PodRegistry.layer(["api"]))))
})

describe("A16: the root directory", () => {
  it.effect("has its folders, mode 0750, and is shared, however often it is laid out", () => {
    const host = new HostFilesMemory.MemoryHost()
    return Effect.gen(function*() {
      yield* rootLayout(root)
      yield* rootLayout(root)
      const files = yield* HostFiles
      assert.deepStrictEqual(yield* files.readDirectory(root), [
        "checkpoints",
        "device-plugins",
        "image_manager",
        "pki",
        "plugins",
        "plugins_registry",
        "pod-resources",
        "pods"
      ])
      assert.strictEqual((yield* files.stat(`${root}/pods`)).mode, 0o750)
      const entries = (yield* (yield* Mounts).list).filter(({ mountPoint }) => mountPoint === root)
      assert.lengthOf(entries, 1)
      assert.isNotEmpty(entries[0]?.propagation)
    }).pipe(Effect.provide(Layer.merge(HostFilesMemory.layer(host), MountsMemory.layer(host))))
  })
})
