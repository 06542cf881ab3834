import { assert, describe, it } from "@effect/vitest"
import { Result } from "effect"
import { decodePod } from "../../../src/domain/k8s/decode.ts"
import type { Pod } from "../../../src/domain/k8s/pod.ts"
import { isNews } from "../../../src/domain/pod/podNews.ts"

const condition = (type: string, status = "True") => ({ type, status })

const podWith = (more: Readonly<Record<string, Readonly<Record<string, unknown>>>> = {}): Pod =>
  Result.getOrThrow(decodePod({
    metadata: { name: "web", namespace: "default", uid: "u", resourceVersion: "1", ...more["metadata"] },
    spec: { containers: [{ name: "c", image: "i:1" }], ...more["spec"] },
    status: { phase: "Pending", conditions: [condition("Ready", "False")], ...more["status"] }
  }))

describe("isNews", () => {
  it.each([
    { more: {}, want: false, why: "the same pod again" },
    {
      more: { metadata: { resourceVersion: "2", managedFields: [{ manager: "kubeffect" }] } },
      want: false,
      why: "every write has a version of its own"
    },
    {
      more: { status: { phase: "Running", conditions: [condition("Ready")], podIP: "10.0.0.1" } },
      want: false,
      why: "the node itself has said so"
    },
    { more: { status: { phase: "Failed" } }, want: true, why: "a pod that has ended is run no more, whoever said so" },
    {
      more: { status: { conditions: [condition("Ready", "False"), condition("example.com/gate")] } },
      want: true,
      why: "a readiness gate is opened by others"
    },
    { more: { metadata: { labels: { a: "b" } } }, want: true, why: "volumes show labels" },
    { more: { metadata: { deletionTimestamp: "2030-01-01T00:00:00Z" } }, want: true, why: "it shall end" },
    { more: { spec: { activeDeadlineSeconds: 1 } }, want: true, why: "another specification" }
  ])("C2: $why → $want", ({ more, want }) => assert.strictEqual(isNews(podWith(), podWith(more)), want))
})
