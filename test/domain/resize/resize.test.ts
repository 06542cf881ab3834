/** The rules of in-place resize: what is allotted, who is granted more, in which steps, and what users read of it. */
import { assert, describe, it } from "@effect/vitest"
import * as fc from "fast-check"
import { defaultNodeSettings } from "../../../src/domain/config/nodeSettings.ts"
import type { Container, ResourceRequirements } from "../../../src/domain/k8s/container.ts"
import type { Pod } from "../../../src/domain/k8s/pod.ts"
import { admitResize, inTurn, type ResizeNode } from "../../../src/domain/resize/admitResize.ts"
import {
  allocationFromStatus,
  allocationOf,
  asAllocated,
  isResized,
  unsettled,
  withResource
} from "../../../src/domain/resize/allocation.ts"
import { checkpointText, parseCheckpoint } from "../../../src/domain/resize/checkpoint.ts"
import { resizeMessage } from "../../../src/domain/resize/message.ts"
import { memoryComplaint, resizeSteps } from "../../../src/domain/resize/steps.ts"
import { podCgroupLimits } from "../../../src/domain/resources/cgroupValues.ts"
import { container, podOf } from "../pod/fixtures.ts"

const amounts = (cpu: string, memory: string) => ({ cpu, memory })
const of = (cpu: string, memory: string, cpuLimit = cpu, memoryLimit = memory): ResourceRequirements => ({
  requests: amounts(cpu, memory),
  limits: amounts(cpuLimit, memoryLimit)
})
const sized = (name: string, resources: ResourceRequirements, fields: Partial<Container> = {}): Container =>
  container(name, { resources, ...fields })
const podWith = (...containers: ReadonlyArray<Container>): Pod => podOf({ containers })

const small = of("100m", "32Mi", "200m", "64Mi")
const large = of("150m", "32Mi", "300m", "64Mi")

describe("D17: allotments", () => {
  it("a pod that asks for what it has is the very same object", () => {
    const pod = podWith(sized("c", small))
    assert.strictEqual(asAllocated(pod, allocationOf(pod)), pod)
  })

  it("a pod has what it was allotted, whatever it asks for; what was never allotted is its own", () => {
    const wants = podWith(sized("c", large), sized("d", large))
    const has = asAllocated(wants, { containers: { c: small } })
    assert.deepStrictEqual(has.spec.containers.map(({ resources }) => resources), [small, large])
  })

  it("D18: so does the pod as a whole", () => {
    const wants = podOf({ resources: large })
    assert.deepStrictEqual(asAllocated(wants, { pod: small, containers: {} }).spec.resources, small)
    assert.notProperty(asAllocated(wants, { containers: {} }).spec, "resources")
  })

  it.each([
    { a: of("1", "1Gi"), b: of("1000m", "1024Mi"), want: false, why: "another notation" },
    { a: of("1", "1Gi"), b: of("1", "2Gi"), want: true, why: "more memory" },
    { a: { requests: { cpu: "1" } }, b: { requests: { cpu: "1" }, limits: { cpu: "1" } }, want: true, why: "a limit" },
    { a: {}, b: {}, want: false, why: "nothing" }
  ])(
    "$why is a resize: $want",
    ({ a, b, want }) => assert.strictEqual(isResized({ containers: { c: a } }, { containers: { c: b } }), want)
  )

  it("one resource changes while the other stays", () => {
    const taken = withResource("cpu", small, of("1", "1Gi"))
    assert.deepStrictEqual(taken, {
      limits: { memory: "64Mi", cpu: "1" },
      requests: { memory: "32Mi", cpu: "1" }
    })
    assert.deepStrictEqual(withResource("cpu", small, {}), {
      limits: { memory: "64Mi" },
      requests: { memory: "32Mi" }
    })
  })

  it("what is in force is told from what was allotted by a record that may name less", () => {
    const allocated = { containers: { c: large, d: small } }
    assert.isUndefined(unsettled(allocated, { containers: { c: large } }))
    assert.isUndefined(unsettled(allocated, { containers: {} }))
    assert.deepStrictEqual(unsettled(allocated, { containers: { c: small } }), { containers: { c: small, d: small } })
  })

  it("a lost record is made anew from what the status tells", () => {
    const status = {
      containerStatuses: [{ name: "c", allocatedResources: small.requests ?? {}, resources: small }]
    }
    const pod = podOf({ containers: [sized("c", large), sized("d", large)] }, { status })
    assert.deepStrictEqual(allocationFromStatus(pod).containers, { c: small, d: large })
  })
})

describe("D17: the records on disk", () => {
  const uid = "5f2b1c5e-0000-4000-8000-000000000001"
  const allocations = new Map([[uid, { pod: small, containers: { c: large, b: {} } }], ["a", { containers: {} }]])

  it("are read back as they were written", () => {
    const read = parseCheckpoint(checkpointText(allocations))
    assert.deepStrictEqual(
      read._tag === "Success" ? [...read.success].sort() : read.failure.message,
      [
        ...allocations
      ].sort()
    )
  })

  it("A16: have the kubelet's form and checksum", () => {
    const requests = { cpu: "1Ki", memory: "1Ki" }
    const data = { entries: { pod1: { ContainerResources: { container1: { requests } } } } }
    const read = parseCheckpoint(JSON.stringify({ data: JSON.stringify(data), checksum: 1_178_570_812 }))
    assert.deepStrictEqual(read._tag === "Success" ? read.success.get("pod1") : read.failure.message, {
      containers: { container1: { requests } }
    })
    assert.strictEqual(
      JSON.parse(checkpointText(new Map([["u", { containers: { c: small } }]]))).data,
      "{\"entries\":{\"u\":{\"ContainerResources\":{\"c\":{\"limits\":{\"cpu\":\"200m\",\"memory\":\"64Mi\"}," +
        "\"requests\":{\"cpu\":\"100m\",\"memory\":\"32Mi\"}}},\"PodLevelResources\":null}}}"
    )
  })

  it.each([
    { text: "", why: "empty" },
    { text: "{\"data\":\"{}\"", why: "torn" },
    { text: "{\"data\":\"{}\",\"checksum\":1}", why: "of another checksum" },
    { text: "{\"entries\":{}}", why: "of another form" }
  ])("that are $why are refused", ({ text }) => assert.strictEqual(parseCheckpoint(text)._tag, "Failure"))

  it("no text whatever breaks the reader", () =>
    fc.assert(fc.property(fc.string(), (text) => assert.strictEqual(parseCheckpoint(text)._tag, "Failure"))))
})

const node = (fields: Partial<ResizeNode> = {}): ResizeNode => ({
  allocatable: { cpu: "2", memory: "2Gi", pods: "10" },
  swap: { behavior: "NoSwap", controllerAvailable: true, nodeMemoryBytes: 2 ** 31, nodeSwapBytes: 2 ** 30 },
  exclusiveCpus: false,
  exclusiveMemory: false,
  others: [],
  ...fields
})

describe("D17: who is granted more", () => {
  const verdict = (pod: Pod, before: ResourceRequirements, given = node(), source: "api" | "file" = "api") => {
    const found = admitResize(pod, { containers: { c: before } }, source, given)
    return found._tag === "Granted" ? "Granted" : `${found.reason}: ${found.message}`
  }
  const other = podOf({ containers: [sized("x", of("1500m", "1Gi"))] }, { meta: { uid: "u2", name: "other" } })
  const limited = { ...node().swap, behavior: "LimitedSwap" as const }

  it.each([
    { pod: podWith(sized("c", large)), want: "Granted", why: "there is room" },
    {
      pod: podWith(sized("c", of("3", "32Mi"))),
      want: "Infeasible: Node didn't have enough capacity: cpu, requested: 3000, capacity: 2000",
      why: "more CPU than the node has"
    },
    {
      pod: podWith(sized("c", of("3", "4Gi"))),
      want: "Infeasible: Node didn't have enough capacity: memory, requested: 4294967296, capacity: 2147483648",
      why: "more memory than the node has is told first"
    },
    {
      pod: podWith(sized("c", of("1", "32Mi"))),
      given: node({ others: [other] }),
      want: "Deferred: Node didn't have enough resource: cpu, requested: 1000, used: 1500, capacity: 2000",
      why: "others are in the way"
    },
    {
      pod: podWith(sized("c", of("1", "32Mi"))),
      given: node({ exclusiveCpus: true }),
      want: "Infeasible: Resize is infeasible for Guaranteed Pods alongside CPU Manager policy \"static\"",
      why: "its CPUs are its own"
    },
    {
      pod: podWith(sized("c", of("100m", "64Mi"))),
      given: node({ exclusiveMemory: true }),
      want: "Infeasible: Resize is infeasible for Guaranteed Pods alongside Memory Manager policy \"Static\"",
      why: "its memory is its own"
    },
    {
      pod: podWith(sized("c", of("150m", "32Mi", "300m", "64Mi"))),
      given: node({ exclusiveCpus: true }),
      want: "Granted",
      why: "a burstable pod has no CPUs of its own"
    },
    {
      pod: podWith(sized("c", of("100m", "48Mi", "200m", "64Mi"))),
      given: node({ swap: limited }),
      want: "Infeasible: In-place resize of containers with swap is not supported.",
      why: "its swap follows its memory request"
    },
    {
      pod: podWith(
        sized("c", of("100m", "48Mi", "200m", "64Mi"), {
          resizePolicy: [{ resourceName: "memory", restartPolicy: "RestartContainer" }]
        })
      ),
      given: node({ swap: limited }),
      want: "Granted",
      why: "unless it is restarted for it"
    },
    {
      pod: podWith(sized("c", large)),
      source: "file" as const,
      want: "Infeasible: In-place resize of static-pods is not supported",
      why: "a static pod"
    }
  ])("$want: $why", ({ given, pod, source, want }) => assert.strictEqual(verdict(pod, small, given, source), want))

  it("asked in turn: who takes nothing, the important, the guaranteed, who waits longest", () => {
    const ask = (name: string, resources: ResourceRequirements, priority: number, sinceMs: number) => ({
      pod: podOf({ containers: [sized("c", resources)], priority }, { meta: { name } }),
      allocated: podWith(sized("c", small)),
      sinceMs
    })
    const waiting = [
      ask("late", large, 0, 9),
      ask("early", large, 0, 5),
      ask("guaranteed", of("1", "1Gi"), 0, 9),
      ask("important", large, 100, 9),
      ask("gives", of("50m", "16Mi", "200m", "64Mi"), 0, 9)
    ]
    const names = inTurn(waiting).map(({ pod }) => pod.metadata.name)
    assert.deepStrictEqual(names, ["gives", "important", "guaranteed", "early", "late"])
  })
})

const settings = { ...defaultNodeSettings, cgroupV2: false }
const stepsOf = (
  before: Pod,
  after: Pod,
  running = after.spec.containers.map(({ name }) => ({ id: `${name}-0`, name }))
) => {
  const found = resizeSteps({
    pod: after,
    inForce: allocationOf(before),
    running,
    group: { has: podCgroupLimits(before), wants: podCgroupLimits(after) },
    node: settings
  })
  return {
    lowered: found.lowered,
    steps: found.steps.map((step) =>
      step._tag === "Group"
        ? `group ${JSON.stringify(step.limits)}`
        : `${step.name} ${step.linux.cpuShares}/${step.linux.cpuQuota}/${step.linux.memoryLimitInBytes}`
    )
  }
}

describe("D17: in which steps", () => {
  it("more CPU: the group's limit, its shares, then the container", () =>
    assert.deepStrictEqual(stepsOf(podWith(sized("c", small)), podWith(sized("c", large))).steps, [
      "group {\"cpuQuotaUs\":30000,\"cpuPeriodUs\":100000}",
      "group {\"cpuShares\":153}",
      "c 153/30000/67108864"
    ]))

  it("less CPU: the container, the group's shares, then its limit", () =>
    assert.deepStrictEqual(stepsOf(podWith(sized("c", large)), podWith(sized("c", small))).steps, [
      "c 102/20000/67108864",
      "group {\"cpuShares\":102}",
      "group {\"cpuQuotaUs\":20000,\"cpuPeriodUs\":100000}"
    ]))

  it("memory before CPU, each container as far as it has come", () =>
    assert.deepStrictEqual(
      stepsOf(podWith(sized("c", of("100m", "32Mi"))), podWith(sized("c", of("200m", "64Mi")))).steps,
      [
        "group {\"memoryLimitBytes\":67108864}",
        "c 102/10000/67108864",
        "group {\"cpuQuotaUs\":20000,\"cpuPeriodUs\":100000}",
        "group {\"cpuShares\":204}",
        "c 204/20000/67108864"
      ]
    ))

  it("a container that gives goes before one that takes; the group that gets no other size stays", () =>
    assert.deepStrictEqual(
      stepsOf(
        podWith(sized("a", of("100m", "32Mi")), sized("b", of("200m", "32Mi"))),
        podWith(sized("a", of("200m", "32Mi")), sized("b", of("100m", "32Mi")))
      ).steps,
      ["b 102/10000/33554432", "a 204/20000/33554432"]
    ))

  it("less memory: told with what falls, the pod first", () => {
    const before = podWith(sized("c", of("100m", "64Mi")))
    const after = podWith(sized("c", of("100m", "32Mi")))
    assert.deepStrictEqual(stepsOf(before, after), {
      lowered: [{ limitBytes: 33_554_432 }, { container: { id: "c-0", name: "c" }, limitBytes: 33_554_432 }],
      steps: ["c 102/10000/33554432", "group {\"memoryLimitBytes\":33554432}"]
    })
  })

  it("a container that was stopped for it: the group alone", () =>
    assert.deepStrictEqual(stepsOf(podWith(sized("c", small)), podWith(sized("c", large)), []).steps, [
      "group {\"cpuQuotaUs\":30000,\"cpuPeriodUs\":100000}",
      "group {\"cpuShares\":153}"
    ]))

  it("D18: a limit of the pod is that of each container that has none", () => {
    const own = { ...container("own"), resources: { limits: { memory: "32Mi" } } }
    const whole = (memory: string): Pod =>
      podOf({ containers: [container("bare"), own], resources: { requests: { memory }, limits: { memory } } })
    assert.deepStrictEqual(stepsOf(whole("64Mi"), whole("128Mi")).steps, [
      "group {\"memoryLimitBytes\":134217728}",
      "bare 2/0/134217728"
    ])
  })

  it.each([
    { uses: [{ limitBytes: 10, usageBytes: 9 }], want: undefined, why: "there is room" },
    {
      uses: [{ limitBytes: 10, usageBytes: 11 }],
      want: "cannot decrease memory limits: attempting to set pod memory limit (10) below current usage (11)",
      why: "the pod uses more"
    },
    {
      uses: [{ limitBytes: 10, usageBytes: 11 }, { container: "c", limitBytes: 10, usageBytes: 10 }],
      want: "cannot decrease memory limits: [attempting to set pod memory limit (10) below current usage (11), " +
        "attempting to set container \"c\" memory limit (10) below current usage (10)]",
      why: "so does a container"
    }
  ])("a limit does not fall below use: $why", ({ uses, want }) => assert.strictEqual(memoryComplaint(uses), want))

  it("whatever the sizes: the last step leaves the group as it should be, and nothing is above its group meanwhile", () => {
    const size = fc.integer({ min: 1, max: 8 }).map((n) => of(`${n * 100}m`, `${n * 16}Mi`))
    fc.assert(
      fc.property(fc.tuple(size, size), fc.tuple(size, size), ([a, b], [c, d]) => {
        const before = podWith(sized("a", a), sized("b", b))
        const after = podWith(sized("a", c), sized("b", d))
        const { steps } = resizeSteps({
          pod: after,
          inForce: allocationOf(before),
          running: [{ id: "a", name: "a" }, { id: "b", name: "b" }],
          group: { has: podCgroupLimits(before), wants: podCgroupLimits(after) },
          node: settings
        })
        let group = podCgroupLimits(before)
        const sizes = new Map([["a", 0], ["b", 0]])
        for (const step of steps) {
          if (step._tag === "Group") group = { ...group, ...step.limits }
          else sizes.set(step.name, Number(step.linux.memoryLimitInBytes))
          for (const limit of sizes.values()) assert.isAtMost(limit, group.memoryLimitBytes ?? Number.POSITIVE_INFINITY)
        }
        assert.deepStrictEqual(group, podCgroupLimits(after))
      })
    )
  })
})

it("D17: what events say of it is JSON with the generation that asked", () => {
  const pod = podOf({ initContainers: [container("i")], containers: [sized("c", large)] })
  assert.strictEqual(
    resizeMessage(pod, { what: "Pod resize error", generation: 5, error: "no \"room\"" }),
    "Pod resize error: {\"initContainers\":[{\"name\":\"i\",\"resources\":{}}],\"containers\":[{\"name\":\"c\"," +
      "\"resources\":{\"limits\":{\"cpu\":\"300m\",\"memory\":\"64Mi\"},\"requests\":{\"cpu\":\"150m\",\"memory\":\"32Mi\"}}}]," +
      "\"generation\":5,\"error\":\"no \\\"room\\\"\"}"
  )
})
