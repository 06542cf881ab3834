/** Who is killed first, who may swap, who is throttled early. */
import { assert, describe, it } from "@effect/vitest"
import * as fc from "fast-check"
import { memoryQos } from "../../../src/domain/resources/memoryQos.ts"
import { oomScoreAdj } from "../../../src/domain/resources/oomScore.ts"
import { swapLimitBytes, type SwapSettings } from "../../../src/domain/resources/swap.ts"
import { asking, podWith, sidecar } from "./pods.ts"

const gibi = 2 ** 30
const memory = (amount: string) => ({ memory: amount })
const both = { cpu: "1", memory: "1Gi" }

describe("L5: oom_score_adj", () => {
  it.each([
    { pod: podWith({}), index: 0, want: 1000, why: "best effort goes first" },
    { pod: podWith({ containers: [asking("a", both, both)] }), index: 0, want: -997, why: "guaranteed goes last" },
    { pod: podWith({ priority: 2_000_001_000 }), index: 0, want: -997, why: "as do node-critical pods" },
    {
      pod: podWith({ containers: [asking("a", memory("4Gi"))] }),
      index: 0,
      want: 500,
      why: "half of the node's memory"
    },
    {
      pod: podWith({ containers: [asking("a", memory("1Ki"))] }),
      index: 0,
      want: 999,
      why: "never as high as best effort"
    },
    {
      pod: podWith({ containers: [asking("a", memory("8Gi"))] }),
      index: 0,
      want: 3,
      why: "never as low as guaranteed"
    },
    {
      pod: podWith({ containers: [asking("a"), asking("b")], resources: { requests: memory("4Gi") } }),
      index: 0,
      want: 750,
      why: "KEP-2837: the pod's request in equal parts"
    }
  ])("$want: $why", ({ pod, index, want }) => {
    const container = pod.spec.containers[index]
    assert.isDefined(container)
    assert.strictEqual(oomScoreAdj(pod, container, 8 * gibi), want)
  })

  it("KEP-753: a sidecar outlives the container that requested least", () => {
    const side = sidecar("s", memory("1Mi"))
    const pod = podWith({
      containers: [asking("a", memory("2Gi")), asking("b", memory("4Gi"))],
      initContainers: [side]
    })
    assert.strictEqual(oomScoreAdj(pod, side, 8 * gibi), 750)
  })

  it("the more is requested, the later it is killed", () => {
    fc.assert(fc.property(fc.nat(10_000), fc.nat(10_000), (mebi, more) => {
      const score = (size: number) => {
        const container = asking("a", memory(`${size}Mi`), memory("30000Mi"))
        return oomScoreAdj(podWith({ containers: [container] }), container, 8 * gibi)
      }
      assert.isAtMost(score(mebi + more), score(mebi))
    }))
  })
})

describe("L14: swap", () => {
  const settings: SwapSettings = {
    behavior: "LimitedSwap",
    controllerAvailable: true,
    nodeMemoryBytes: 8 * gibi,
    nodeSwapBytes: 4 * gibi
  }
  it.each([
    { container: asking("a", memory("2Gi")), spec: {}, want: gibi, why: "in proportion to the request" },
    { container: asking("a", memory("2Gi"), memory("2Gi")), spec: {}, want: 0, why: "request equals limit" },
    { container: asking("a", both, both), spec: {}, want: 0, why: "guaranteed" },
    { container: asking("a", memory("2Gi")), spec: { priority: 2_000_000_000 }, want: 0, why: "critical" },
    { container: asking("a", { cpu: "1" }), spec: {}, want: 0, why: "no memory requested" }
  ])("$want bytes: $why", ({ container, spec, want }) => {
    assert.strictEqual(swapLimitBytes(podWith({ ...spec, containers: [container] }), container, settings), want)
  })
  it("none where the node allows none", () => {
    const container = asking("a", memory("2Gi"))
    const off: SwapSettings = { ...settings, behavior: "NoSwap" }
    assert.strictEqual(swapLimitBytes(podWith({ containers: [container] }), container, off), 0)
  })
})

describe("L3: memory QoS of cgroup v2", () => {
  const settings = { throttlingFactor: 0.9, allocatableBytes: 8 * gibi, pageBytes: 4096 }
  it.each([
    { container: asking("a"), want: {}, why: "nothing asked for, nothing changed" },
    {
      container: asking("a", memory("1Gi")),
      want: { minBytes: gibi, highBytes: Math.floor((gibi * 7.3) / 4096) * 4096 },
      why: "near what the node has"
    },
    {
      container: asking("a", memory("1Gi"), memory("2Gi")),
      want: { minBytes: gibi, highBytes: Math.floor((gibi * 1.9) / 4096) * 4096 },
      why: "near the limit"
    },
    { container: asking("a", memory("1Gi"), memory("1Gi")), want: { minBytes: gibi }, why: "nothing between them" }
  ])("$why", ({ container, want }) => assert.deepStrictEqual<unknown>(memoryQos(container, settings), want))
})
