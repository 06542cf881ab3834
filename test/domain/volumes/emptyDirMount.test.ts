import { assert, describe, it } from "@effect/vitest"
import { Result } from "effect"
import { emptyDirBacking, memorySizeBytes, supportsNoswap } from "../../../src/domain/volumes/emptyDirMount.ts"
import { groupMode, rootMatches } from "../../../src/domain/volumes/ownership.ts"
import { podWith } from "./pods.ts"

const node = { kernelVersion: "6.18.44", allocatableMemoryBytes: 1000 }
const limited = (memory: string) => podWith([], { containers: [{ name: "c", resources: { limits: { memory } } }] })
const unlimited = podWith([])

describe("I3: emptyDir in memory", () => {
  it.each([
    { why: "what pods may use at all", pod: unlimited, limit: undefined, want: 1000 },
    { why: "what the volume asks for", pod: unlimited, limit: 300, want: 300 },
    { why: "never more than the node gives", pod: unlimited, limit: 5000, want: 1000 },
    { why: "the pod's own limit", pod: limited("200"), limit: 300, want: 200 },
    { why: "the volume's, where it is less", pod: limited("400"), limit: 300, want: 300 }
  ])("$want bytes: $why", ({ limit, pod, want }) => assert.strictEqual(memorySizeBytes(pod, limit, node), want))

  it("golden: emptydir-kinds: a tmpfs of its size, not to be swapped", () =>
    assert.deepStrictEqual(
      emptyDirBacking(unlimited, { medium: "Memory", sizeLimitBytes: 8 }, node),
      Result.succeed({
        fsType: "tmpfs",
        source: "tmpfs",
        options: ["size=8", "noswap"]
      })
    ))

  it.each([["6.4.0", true], ["6.3.9", false], ["5.15.0-91-generic", false], ["7.0", true]] as const)(
    "Linux %s knows noswap: %s",
    (version, want) => assert.strictEqual(supportsNoswap(version), want)
  )
})

describe("I3: emptyDir of huge pages", () => {
  const pod = podWith([], { containers: [{ name: "c", resources: { requests: { "hugepages-2Mi": "4Mi" } } }] })
  it.each([
    { medium: "HugePages", want: "pagesize=2Mi" },
    { medium: "HugePages-2Mi", want: "pagesize=2Mi" }
  ])("$medium → $want", ({ medium, want }) => {
    const backing = Result.getOrThrow(emptyDirBacking(pod, { medium, sizeLimitBytes: undefined }, node))
    assert.deepStrictEqual(backing?.options, [want])
  })
  it("pages that the pod does not request are refused", () =>
    assert.isTrue(Result.isFailure(emptyDirBacking(pod, { medium: "HugePages-1Gi", sizeLimitBytes: undefined }, node))))
})

describe("I10: fsGroup", () => {
  it.each([
    { mode: 0o640, directory: false, readOnly: false, want: 0o660 },
    { mode: 0o400, directory: false, readOnly: true, want: 0o440 },
    { mode: 0o600, directory: false, readOnly: true, want: 0o640 },
    { mode: 0o755, directory: true, readOnly: false, want: 0o2775 }
  ])("%o", ({ directory, mode, readOnly, want }) => assert.strictEqual(groupMode(mode, { directory, readOnly }), want))
  it("OnRootMismatch looks at the root alone", () => {
    assert.isTrue(rootMatches({ mode: 0o2775, gid: 5 }, 5, { readOnly: false }))
    assert.isFalse(rootMatches({ mode: 0o2775, gid: 6 }, 5, { readOnly: false }))
    assert.isFalse(rootMatches({ mode: 0o775, gid: 5 }, 5, { readOnly: false }))
  })
})
