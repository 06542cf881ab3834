import { assert, describe, it } from "@effect/vitest"
import * as fc from "fast-check"
import {
  bytesToFree,
  evictionOrder,
  type KnownImages,
  type ListedImage,
  observeImages,
  outdatedImages,
  removableImages
} from "../../../src/domain/gc/images.ts"
import { imagesOfPod, sandboxImages } from "../../../src/domain/gc/usedImages.ts"
import { container, podOf } from "../pod/fixtures.ts"

const image = (id: string, fields: Partial<ListedImage> = {}): ListedImage => ({
  id,
  names: [`docker.io/library/${id}:1`],
  sizeBytes: 100,
  pinned: false,
  ...fields
})

/** Looks at times; each names the images there are, and those in use. */
const watch = (
  looks: ReadonlyArray<{ at: number; images: ReadonlyArray<ListedImage>; used?: ReadonlyArray<string> }>
): KnownImages =>
  looks.reduce<KnownImages | undefined>(
    (known, { at, images, used = [] }) => observeImages(known, images, new Set(used), at),
    undefined
  ) ?? new Map()

const ids = (images: ReadonlyArray<{ readonly id: string }>) => images.map(({ id }) => id)

describe("which images may go, and in which order", () => {
  const [a, b, c] = [image("a"), image("b"), image("c")]
  it.each<{ known: KnownImages; want: ReadonlyArray<string>; why: string }>([
    { known: watch([{ at: 10, images: [a, b] }]), want: ["a", "b"], why: "nobody uses them" },
    {
      known: watch([{ at: 10, images: [a, b], used: ["docker.io/library/a:1"] }]),
      want: ["b"],
      why: "one is used by its name"
    },
    { known: watch([{ at: 10, images: [a, b], used: ["b"] }]), want: ["a"], why: "one is used by its id" },
    { known: watch([{ at: 10, images: [image("a", { pinned: true }), b] }]), want: ["b"], why: "one is pinned" },
    {
      known: watch([{ at: 10, images: [a, b, c], used: ["a"] }, { at: 20, images: [a, b, c], used: ["b"] }, {
        at: 30,
        images: [a, b, c]
      }]),
      want: ["c", "a", "b"],
      why: "the longest unused goes first"
    },
    {
      known: watch([{ at: 10, images: [b] }, { at: 20, images: [a, b] }]),
      want: ["b", "a"],
      why: "of those never used the first seen goes first"
    },
    {
      known: watch([{ at: 10, images: [a], used: ["a"] }, { at: 20, images: [b] }]),
      want: ["b"],
      why: "what is gone is forgotten"
    }
  ])("G4: $want, because $why", ({ known, want }) => assert.deepStrictEqual(ids(evictionOrder(known)), want))

  it("G4: what was there before the agent is old enough at once, what is pulled later is not", () => {
    const known = watch([{ at: 1000, images: [a] }, { at: 2000, images: [a, b] }])
    assert.deepStrictEqual(ids(removableImages(known, 120_000, 121_999)), ["a"])
    assert.deepStrictEqual(ids(removableImages(known, 120_000, 122_000)), ["a", "b"])
  })

  it.each([
    { maxAgeMs: 0, now: 1e12, want: [], why: "0 is no limit" },
    { maxAgeMs: 1000, now: 1000, want: [], why: "the agent has not watched for that long" },
    { maxAgeMs: 1000, now: 1400, want: ["a"], why: "one was used until 500" },
    { maxAgeMs: 1000, now: 1501, want: ["a", "b"], why: "both have been unused for so long" }
  ])("G4: at $now with a maximum age of $maxAgeMs: $want, because $why", ({ maxAgeMs, now, want }) => {
    const both = [a, b]
    const known = watch([{ at: 0, images: both }, { at: 500, images: both, used: ["b"] }, { at: 600, images: both }])
    assert.deepStrictEqual(ids(outdatedImages(known, maxAgeMs, { agentStartedAtMs: 0, nowMs: now })), want)
  })
})

describe("how much must go", () => {
  const thresholds = { highPercent: 85, lowPercent: 80 }
  it.each([
    { total: 1000, available: 200, want: 0, why: "80 % is below the high threshold" },
    { total: 1000, available: 160, want: 0, why: "84 % is not yet 85 %" },
    { total: 1000, available: 151, want: 49, why: "whole percents count, rounded up, as in the kubelet" },
    { total: 1000, available: 150, want: 50, why: "85 % is freed down to 80 %" },
    { total: 1000, available: 0, want: 200, why: "a full disk is freed down to 80 %" },
    { total: 0, available: 0, want: 0, why: "nothing is known" }
  ])("G4: $want of $total with $available available, because $why", ({ available, total, want }) => {
    assert.strictEqual(bytesToFree({ totalBytes: total, availableBytes: available }, thresholds), want)
  })

  it("G4: a high threshold of 100 never frees", () => {
    const full = { totalBytes: 1000, availableBytes: 0 }
    assert.strictEqual(bytesToFree(full, { highPercent: 100, lowPercent: 80 }), 0)
  })

  it("G4: freeing that much brings the use to the low threshold, never below it by a percent", () => {
    fc.assert(
      fc.property(fc.integer({ min: 100, max: 1e12 }), fc.double({ min: 0, max: 1, noNaN: true }), (total, part) => {
        const available = Math.floor(total * part)
        const freed = bytesToFree({ totalBytes: total, availableBytes: available }, thresholds)
        if (freed === 0) return
        const used = (total - available - freed) / total * 100
        assert.isAtMost(used, 80 + 100 / total + 1e-6)
        assert.isAbove(used, 79)
      })
    )
  })
})

describe("images that pods name", () => {
  it.each([
    { written: "busybox", want: ["busybox", "docker.io/library/busybox:latest"] },
    { written: "quay.io/a/b:2", want: ["quay.io/a/b:2", "quay.io/a/b:2"] },
    {
      written: `a/b@sha256:${"0".repeat(64)}`,
      want: [`a/b@sha256:${"0".repeat(64)}`, `docker.io/a/b@sha256:${"0".repeat(64)}`]
    },
    { written: "Not An Image", want: ["Not An Image"] }
  ])("G4: $written is known as $want", ({ want, written }) => {
    assert.deepStrictEqual(imagesOfPod(podOf({ containers: [container("c", { image: written })] })), want)
  })

  it("G4: of all its containers and image volumes, as long as the pod has not ended", () => {
    const spec = {
      initContainers: [container("i", { image: "i:1" })],
      containers: [container("c", { image: "c:1" })],
      ephemeralContainers: [container("e", { image: "e:1" })],
      volumes: [{ name: "v", image: { reference: "v:1" } }]
    }
    const written = imagesOfPod(podOf(spec)).filter((name) => !name.startsWith("docker.io/"))
    assert.deepStrictEqual(written, ["i:1", "c:1", "e:1", "v:1"])
    assert.deepStrictEqual(imagesOfPod(podOf(spec, { status: { phase: "Succeeded" } })), [])
  })

  it.each([
    {
      info: { config: "{\"sandboxImage\":\"k8s.io/pause:3.6\",\"x\":1}" },
      want: ["k8s.io/pause:3.6"],
      why: "it says so"
    },
    { info: { config: "{\"sandboxImage\":\"\"}" }, want: [], why: "it names none" },
    { info: { config: "{}" }, want: [], why: "it pins it instead" },
    { info: { config: "no json" }, want: [], why: "it speaks otherwise" },
    { info: {}, want: [], why: "it says nothing" }
  ])("G4: of the runtime's own images $want is kept, because $why", ({ info, want }) => {
    assert.deepStrictEqual([...new Set(sandboxImages(info))], want)
  })
})
