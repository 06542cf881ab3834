/** Decoding keeps what it does not know, drops Go's nulls, and names the field that does not fit. */
import { assert, describe, it } from "@effect/vitest"
import { Result } from "effect"
import { decodeNode, decodePod, withoutNulls } from "../../../src/domain/k8s/decode.ts"
import { readRecording, recordedCases } from "../../golden/recording.ts"

const pod = (spec: object, more: object = {}) => ({
  metadata: { name: "a", namespace: "b", uid: "c" },
  spec: { containers: [{ name: "x" }], ...spec },
  ...more
})

const messageOf = (u: unknown): string => Result.getOrThrow(Result.flip(decodePod(u))).message

describe("decoding", () => {
  it("keeps fields of newer servers", () => {
    const newer = pod({ novelty: { deep: [1] } }, { status: { phase: "Running", other: true } })
    const decoded: object = Result.getOrThrow(decodePod(newer))
    assert.strictEqual(decoded, newer, "nothing to change, so the very same object")
  })

  it("drops nulls, which is how Go writes absent", () => {
    const decoded = Result.getOrThrow(
      decodePod(pod({ volumes: null, tolerations: [{ key: "k", value: null }] }, { status: null }))
    )
    assert.deepStrictEqual<unknown>(decoded, pod({ tolerations: [{ key: "k" }] }))
  })

  it("leaves nulls inside lists to the Schema", () => {
    assert.deepStrictEqual(withoutNulls([null, { a: null }]), [null, {}])
  })

  it.each([
    {
      u: pod({ containers: [{ name: "x", ports: [{ containerPort: "80" }] }] }),
      want: "malformed Pod b/a: spec.containers[0].ports[0].containerPort: Expected number",
      why: "the path leads to the field"
    },
    {
      u: pod({ containers: null }),
      want: "malformed Pod b/a: spec.containers: Missing key",
      why: "a pod has containers"
    },
    { u: 7, want: "malformed Pod <unnamed>: Expected object", why: "no object at all" },
    {
      u: pod({ overhead: { cpu: "1x" } }),
      want: "malformed Pod b/a: spec.overhead.cpu: Expected a quantity such as 250m or 64Mi",
      why: "bad quantities stop at the boundary"
    }
  ])("$want: $why", ({ u, want }) => assert.strictEqual(messageOf(u), want))

  it("C4: reads numbers where manifests write quantities so", () => {
    const decoded = Result.getOrThrow(
      decodePod(pod({ containers: [{ name: "x", resources: { limits: { cpu: 0.5 }, requests: { cpu: 2 } } }] }))
    )
    assert.deepStrictEqual(decoded.spec.containers[0]?.resources, { limits: { cpu: "0.5" }, requests: { cpu: "2" } })
  })

  it("reads every status that was recorded", () => {
    for (const name of recordedCases) {
      const { manifest, statuses } = readRecording(name)
      for (const { status } of statuses) {
        const object = { ...manifest, metadata: { ...manifest.metadata, namespace: "default", uid: "u" }, status }
        assert.isTrue(Result.isSuccess(decodePod(object)), name)
      }
    }
  })

  it("reads a node with nothing but a name", () => {
    assert.isTrue(Result.isSuccess(decodeNode({ metadata: { name: "n1" } })))
  })
})
