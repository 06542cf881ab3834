/** What a pod requests, and the class that follows from it. */
import { assert, describe, it } from "@effect/vitest"
import {
  hasPodLevelResources,
  isLimitDeclared,
  podLimits,
  podRequests
} from "../../../src/domain/resources/podResources.ts"
import { computeQosClass, isCriticalPod, isNodeCriticalPod, qosClassOf } from "../../../src/domain/resources/qos.ts"
import { listOf } from "../../../src/domain/resources/resourceLists.ts"
import { asking, podWith, sidecar } from "./pods.ts"

const cpu = (amount: string) => ({ cpu: amount })

describe("requests of a pod", () => {
  it.each([
    {
      spec: { containers: [asking("a", cpu("100m")), asking("b", { cpu: "200m", memory: "1Gi" })] },
      want: { cpu: "300m", memory: "1Gi" },
      why: "containers run together"
    },
    {
      spec: { initContainers: [asking("i", cpu("1")), asking("j", cpu("2"))], containers: [asking("a", cpu("500m"))] },
      want: { cpu: "2" },
      why: "init containers run one at a time, before the others"
    },
    {
      spec: { initContainers: [sidecar("s", cpu("1")), asking("i", cpu("1"))], containers: [asking("a", cpu("500m"))] },
      want: { cpu: "2" },
      why: "KEP-753: a sidecar runs beside the init containers after it"
    },
    {
      spec: { initContainers: [asking("i", cpu("1")), sidecar("s", cpu("1"))], containers: [asking("a", cpu("500m"))] },
      want: { cpu: "1500m" },
      why: "KEP-753: and beside the containers, but not beside those before it"
    },
    {
      spec: { containers: [asking("a", { cpu: "1", "example.com/x": "2" })], resources: { requests: cpu("3") } },
      want: { cpu: "3", "example.com/x": "2" },
      why: "KEP-2837: the pod's own value stands for the sum"
    },
    {
      spec: { containers: [asking("a", cpu("1"))], overhead: { cpu: "250m", memory: "16Mi" } },
      want: { cpu: "1250m", memory: "16Mi" },
      why: "KEP-688: overhead comes on top"
    }
  ])("$why", ({ spec, want }) => assert.deepStrictEqual(listOf(podRequests(podWith(spec))), want))

  it("overhead and pod-level values can be left out", () => {
    const pod = podWith({ containers: [asking("a", cpu("1"))], overhead: cpu("1"), resources: { requests: cpu("4") } })
    assert.deepStrictEqual(listOf(podRequests(pod, { excludeOverhead: true })), cpu("4"))
    assert.deepStrictEqual(listOf(podRequests(pod, { ignorePodLevel: true, excludeOverhead: true })), cpu("1"))
  })

  it("overhead raises only limits that exist", () => {
    const pod = podWith({ containers: [asking("a", {}, cpu("1"))], overhead: { cpu: "1", memory: "1Gi" } })
    assert.deepStrictEqual(listOf(podLimits(pod)), cpu("2"))
  })

  it("L3: a limit is declared when all have one, or the pod as a whole", () => {
    const some = podWith({ containers: [asking("a", {}, cpu("1")), asking("b")] })
    const all = podWith({ containers: [asking("a", {}, cpu("1")), asking("b", {}, cpu("1"))] })
    const whole = podWith({ containers: [asking("a"), asking("b")], resources: { limits: cpu("1") } })
    assert.deepStrictEqual([some, all, whole].map((pod) => isLimitDeclared(pod, "cpu")), [false, true, true])
    assert.deepStrictEqual([some, all, whole].map(hasPodLevelResources), [false, false, true])
  })
})

const both = { cpu: "1", memory: "1Gi" }

describe("F5: quality of service", () => {
  it.each([
    { spec: {}, want: "BestEffort", why: "nothing asked for" },
    { spec: { containers: [asking("a", both, both)] }, want: "Guaranteed", why: "requests equal limits, both given" },
    { spec: { containers: [asking("a", cpu("1"), cpu("1"))] }, want: "Burstable", why: "no memory limit" },
    { spec: { containers: [asking("a", both, both), asking("b")] }, want: "Burstable", why: "one container has none" },
    {
      spec: { containers: [asking("a", both, both)], initContainers: [asking("i")] },
      want: "Burstable",
      why: "init containers count"
    },
    {
      spec: { containers: [asking("a", { cpu: "500m", memory: "1Gi" }, both)] },
      want: "Burstable",
      why: "less requested than allowed"
    },
    { spec: { containers: [asking("a", { cpu: "0" })] }, want: "BestEffort", why: "nought is nothing" },
    {
      spec: { containers: [asking("a", { "example.com/x": "1" })] },
      want: "BestEffort",
      why: "other resources do not count"
    },
    { spec: { resources: { requests: both, limits: both } }, want: "Guaranteed", why: "pod-level values decide alone" },
    {
      spec: { containers: [asking("a", both, both)], resources: { requests: cpu("1") } },
      want: "Burstable",
      why: "even downwards"
    }
  ])("$want: $why", ({ spec, want }) => assert.strictEqual(computeQosClass(podWith(spec)), want))

  it("the API server's word stands", () => {
    assert.strictEqual(qosClassOf({ ...podWith({}), status: { qosClass: "Burstable" } }), "Burstable")
    assert.strictEqual(qosClassOf({ ...podWith({}), status: { qosClass: "" } }), "BestEffort")
  })
})

describe("critical pods", () => {
  it.each([
    { pod: podWith({}), want: [false, false], why: "a pod like any other" },
    { pod: podWith({ priority: 2_000_000_000 }), want: [true, false], why: "system-cluster-critical" },
    { pod: podWith({ priority: 2_000_001_000 }), want: [true, true], why: "system-node-critical" },
    {
      pod: podWith({}, { annotations: { "kubernetes.io/config.source": "file" } }),
      want: [true, false],
      why: "static"
    },
    {
      pod: podWith({}, { annotations: { "kubernetes.io/config.source": "api" } }),
      want: [false, false],
      why: "from the API"
    },
    { pod: podWith({}, { annotations: { "kubernetes.io/config.mirror": "x" } }), want: [true, false], why: "a mirror" }
  ])("$why", ({ pod, want }) => assert.deepStrictEqual([isCriticalPod(pod), isNodeCriticalPod(pod)], want))
})
