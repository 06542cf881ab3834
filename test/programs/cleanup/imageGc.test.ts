import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { TestClock } from "effect/testing"
import { Cri } from "../../../src/layers/cri/Cri.ts"
import { ImageGc } from "../../../src/programs/cleanup/ImageGc.ts"
import { imageGcLoop } from "../../../src/programs/cleanup/imageGcLoop.ts"
import { PodRegistry } from "../../../src/programs/pods/PodRegistry.ts"
import * as CleanupNode from "../../fixture/cleanupNode.ts"

const kibibyte = 1024
const busybox = "docker.io/library/busybox:1.29"

/** A node with images of 100 KiB each, and a disk of a MiB with so much left. */
const make = (names: ReadonlyArray<string>, options: Parameters<typeof CleanupNode.make>[0] = {}) =>
  CleanupNode.make({
    runtime: {
      images: ["registry.k8s.io/pause:3.10", ...names],
      registry: () => ({ _tag: "Image", sizeBytes: 100 * kibibyte })
    },
    ...options
  })

type Node = Effect.Success<ReturnType<typeof make>>

/** Fills the disk, so that so many bytes of a MiB are left. */
const leave = (node: Node, bytes: number) => {
  node.host.limit("/", { bytes: 1024 * kibibyte })
  node.host.write("/filler", new Uint8Array(1024 * kibibyte - bytes))
}

const present = (node: Node) =>
  node.runtime.images.all().flatMap(({ tags }) => tags).filter((tag) => !tag.includes("pause")).sort()

describe("image collection", () => {
  it.effect("G4: a disk that is 90 % full is freed to 80 %, the image of a pod and pinned ones stay", () =>
    Effect.gen(function*() {
      const node = yield* make(["a.io/a:1", "a.io/b:1", "a.io/c:1"])
      const run = Effect.gen(function*() {
        yield* (yield* PodRegistry).replace("api", [CleanupNode.podNamed("web", "a.io/a:1")])
        const gc = yield* ImageGc
        yield* gc.collect
        assert.strictEqual(present(node).length, 3)
        leave(node, 90 * kibibyte)
        yield* TestClock.adjust("5 minutes")
        yield* gc.collect
        // 115 KiB are wanted: two images of 100.
        assert.deepStrictEqual(present(node), ["a.io/a:1"])
      })
      yield* Effect.provideContext(run, node.context)
    }))

  it.effect("G4: what runs is in use though no source names its pod", () =>
    Effect.gen(function*() {
      const node = yield* make([busybox, "a.io/b:1"])
      const run = Effect.gen(function*() {
        yield* CleanupNode.container(yield* CleanupNode.sandbox("web"), 0)
        yield* TestClock.adjust("2 minutes")
        const freed = yield* (yield* ImageGc).removeUnused
        assert.strictEqual(freed, 100 * kibibyte)
        assert.deepStrictEqual(present(node), [busybox])
      })
      yield* Effect.provideContext(run, node.context)
    }))

  it.effect("G4: what was pulled less than two minutes ago stays, and users read that space is short", () =>
    Effect.gen(function*() {
      const node = yield* make(["a.io/a:1"])
      const run = Effect.gen(function*() {
        const cri = yield* Cri
        yield* Effect.forkChild(imageGcLoop)
        yield* TestClock.adjust("299 seconds")
        yield* Effect.forkChild(cri.pullImage({ image: { image: "a.io/fresh:1" } }))
        yield* TestClock.adjust("900 millis")
        leave(node, 0)
        yield* TestClock.adjust("10 seconds")
        assert.deepStrictEqual(yield* node.events, [
          "FreeDiskSpaceFailed: Failed to garbage collect required amount of images. Attempted to free 209715 " +
          "bytes, but only found 102400 bytes eligible to free."
        ])
        yield* TestClock.adjust("5 minutes")
        assert.strictEqual((yield* node.events).filter((event) => event.startsWith("ImageGCFailed")).length, 1)
      })
      yield* Effect.provideContext(run, node.context)
    }))

  it.effect("G4: images unused for longer than the maximum age go, however much space there is", () =>
    Effect.gen(function*() {
      const node = yield* make(["a.io/a:1", "a.io/b:1"], { settings: { imageMaximumGcAgeMs: 3_600_000 } })
      const run = Effect.gen(function*() {
        yield* (yield* PodRegistry).replace("api", [CleanupNode.podNamed("web", "a.io/b:1")])
        yield* Effect.forkChild(imageGcLoop)
        yield* TestClock.adjust("60 minutes")
        assert.strictEqual(present(node).length, 2)
        yield* TestClock.adjust("6 minutes")
        assert.deepStrictEqual(present(node), ["a.io/b:1"])
      })
      yield* Effect.provideContext(run, node.context)
    }))

  it.effect("G4: a high threshold of 100 switches it off", () =>
    Effect.gen(function*() {
      const node = yield* make(["a.io/a:1"], { settings: { imageGcHighPercent: 100 } })
      leave(node, 0)
      yield* Effect.provideContext(Effect.forkChild(imageGcLoop), node.context)
      yield* TestClock.adjust("10 minutes")
      assert.deepStrictEqual(present(node), ["a.io/a:1"])
      assert.deepStrictEqual(yield* node.events, [])
    }))

  it.effect("G4: a first failure is not told, for the runtime may be starting; the second is", () =>
    Effect.gen(function*() {
      const node = yield* make([])
      yield* Effect.provideContext(Effect.forkChild(imageGcLoop), node.context)
      yield* TestClock.adjust("1 second")
      node.host.removeTree(CleanupNode.imageFolder)
      yield* TestClock.adjust("5 minutes")
      assert.deepStrictEqual(yield* node.events, [])
      yield* TestClock.adjust("5 minutes")
      const events = yield* node.events
      assert.strictEqual(events.length, 1)
      assert.match(events[0] ?? "", /^ImageGCFailed: /)
    }))
})
