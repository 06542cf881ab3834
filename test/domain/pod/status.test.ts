/** The status of a pod in the situations that no recording shows. */
import { assert, describe, it } from "@effect/vitest"
import type { Pod } from "../../../src/domain/k8s/pod.ts"
import type { PodStatus } from "../../../src/domain/k8s/podStatus.ts"
import type { PodView, StartFailure } from "../../../src/domain/pod/model.ts"
import { plan } from "../../../src/domain/pod/plan.ts"
import { container, exited, memory, observed, podOf, record, sandbox, t0, viewOf } from "./fixtures.ts"

const statusOf = (pod: Pod, fields: Partial<PodView> = {}): PodStatus => plan(viewOf(pod, fields)).status
const first = (status: PodStatus) => status.containerStatuses?.[0]
const condition = (status: PodStatus, type: string) => status.conditions?.find((candidate) => candidate.type === type)
const failure = (reason: string): StartFailure => ({ reason, message: "m", atMs: t0 + 900, tries: 1 })

describe("F3: container statuses", () => {
  it("regular ones are sorted by name, init ones stand in the order of the spec", () => {
    const status = statusOf(podOf({
      initContainers: [container("z"), container("a")],
      containers: [container("y"), container("b")]
    }))
    assert.deepStrictEqual(status.containerStatuses?.map(({ name }) => name), ["b", "y"])
    assert.deepStrictEqual(status.initContainerStatuses?.map(({ name }) => name), ["z", "a"])
  })

  it("D13: while postStart runs the container is still shown as waiting", () => {
    const status = statusOf(podOf(), {
      observed: observed([record("c")]),
      memory: memory({ busy: { sandbox: false, start: "c", kills: {} } })
    })
    assert.deepInclude(first(status), { state: { waiting: { reason: "ContainerCreating" } }, ready: false })
    assert.strictEqual(status.phase, "Pending")
  })

  it("what ended and is to run again shows why it does not, and how it ended", () => {
    const status = statusOf(podOf(), {
      observed: observed([exited("c", 1, { finishedAtMs: t0 + 500 })]),
      memory: memory({
        startFailures: { c: failure("ErrImagePull") },
        triedImages: { c: "busybox:1" }
      })
    })
    assert.deepStrictEqual(first(status)?.state, { waiting: { reason: "ErrImagePull", message: "m" } })
    assert.strictEqual(first(status)?.lastState?.terminated?.exitCode, 1)
    assert.strictEqual(status.phase, "Running")
  })

  it("what ended for good does not", () => {
    const status = statusOf(podOf({ restartPolicy: "Never" }), {
      observed: observed([exited("c", 1)]),
      memory: memory({ startFailures: { c: failure("RunContainerError") } })
    })
    assert.strictEqual(first(status)?.state?.terminated?.exitCode, 1)
  })

  it("a container whose record vanished while it ran counts as killed, once", () => {
    const running = statusOf(podOf(), { observed: observed([record("c")]) })
    const lost = plan(viewOf(podOf(), { memory: memory({ lastStatus: running }) }))
    assert.deepInclude(first(lost.status), { restartCount: 1 })
    assert.deepStrictEqual(first(lost.status)?.lastState?.terminated, {
      exitCode: 137,
      reason: "ContainerStatusUnknown",
      message: "The container could not be located when the pod was deleted.  The container used to be Running"
    })
    const again = plan(viewOf(podOf(), { memory: lost.memory }))
    assert.strictEqual(first(again.status)?.restartCount, 1)
  })

  it("a record that was collected after its end leaves the end in the status", () => {
    const done = statusOf(podOf({ containers: [container("c"), container("d")], restartPolicy: "Never" }), {
      observed: observed([exited("c", 3), record("d")])
    })
    const later = statusOf(podOf({ containers: [container("c"), container("d")], restartPolicy: "Never" }), {
      observed: observed([record("d")]),
      memory: memory({ lastStatus: done })
    })
    assert.deepStrictEqual(first(later)?.state, first(done)?.state)
  })

  it("the last state outlives its record", () => {
    const crashed = statusOf(podOf(), { observed: observed([exited("c", 3)]) })
    const restarted = statusOf(podOf(), {
      observed: observed([record("c", { restartCount: 1, createdAtMs: t0 + 2000 })]),
      memory: memory({ lastStatus: crashed })
    })
    assert.strictEqual(first(restarted)?.lastState?.terminated?.exitCode, 3)
  })

  it("an init container that must have been done is told so", () => {
    const status = statusOf(podOf({ initContainers: [container("i")] }), { observed: observed([record("c")]) })
    assert.deepInclude(status.initContainerStatuses?.[0], { ready: true })
    assert.strictEqual(status.initContainerStatuses?.[0]?.state?.terminated?.reason, "Completed")
  })

  it("C15: what was ready stays so until a probe decides again; another container does not inherit it", () => {
    const pod = podOf({ containers: [container("c", { readinessProbe: {}, startupProbe: {} })] })
    const ready = statusOf(pod, {
      observed: observed([record("c")]),
      probes: { "c-0": { startup: "success", readiness: "success" } }
    })
    const takenOver = statusOf(pod, { observed: observed([record("c")]), memory: memory({ lastStatus: ready }) })
    assert.strictEqual(takenOver, ready)
    const other = statusOf(pod, {
      observed: observed([record("c", { restartCount: 1 })]),
      memory: memory({ lastStatus: ready })
    })
    assert.deepInclude(first(other), { ready: false, started: false })
  })
})

describe("F4: resources", () => {
  const limited = container("c", {
    resources: { limits: { cpu: "0.2", memory: "64Mi" }, requests: { cpu: "100m", memory: "32Mi" } }
  })
  const shown = (resources: { cpuShares: number; cpuQuota: number; memoryLimitBytes: number }) =>
    first(statusOf(podOf({ containers: [limited] }), {
      observed: observed([record("c", { resources: { cpuPeriod: 100_000, ...resources } })])
    }))?.resources
  it("what is in force in the spec's own notation, where both mean the same", () => {
    assert.deepStrictEqual(shown({ cpuShares: 102, cpuQuota: 20_000, memoryLimitBytes: 67_108_864 }), limited.resources)
  })
  it("D17: what is in force until the runtime has taken a resize", () => {
    assert.deepStrictEqual(shown({ cpuShares: 51, cpuQuota: 30_000, memoryLimitBytes: 134_217_728 }), {
      limits: { cpu: "300m", memory: "128Mi" },
      requests: { cpu: "50m", memory: "32Mi" }
    })
  })
})

describe("F2: conditions", () => {
  it("the time of a condition changes with its status only", () => {
    const before = statusOf(podOf(), { observed: observed([record("c")]), nowMs: t0 + 5000 })
    const after = statusOf(podOf(), {
      observed: observed([exited("c", 1)]),
      memory: memory({ lastStatus: before }),
      nowMs: t0 + 60_000
    })
    assert.strictEqual(condition(after, "Initialized")?.lastTransitionTime, "2026-11-01T00:00:05Z")
    assert.strictEqual(condition(after, "Ready")?.lastTransitionTime, "2026-11-01T00:01:00Z")
  })

  it("conditions of others are kept as the API has them", () => {
    const gate = { type: "example.com/gate", status: "True", lastTransitionTime: "2026-01-01T00:00:00Z" }
    const pod = podOf({ readinessGates: [{ conditionType: "example.com/gate" }] }, { status: { conditions: [gate] } })
    const status = statusOf(pod, { observed: observed([record("c")]) })
    assert.deepStrictEqual(condition(status, "example.com/gate"), gate)
    assert.strictEqual(condition(status, "Ready")?.status, "True")
  })

  it("a gate that is not met says so", () => {
    const gate = { type: "g", status: "False" }
    const pod = podOf({ readinessGates: [{ conditionType: "g" }] }, { status: { conditions: [gate] } })
    assert.deepInclude(condition(statusOf(pod, { observed: observed([record("c")]) }), "Ready"), {
      reason: "ReadinessGatesNotReady",
      message: "the status of pod readiness gate \"g\" is not \"True\", but False"
    })
  })

  it("M6: an eviction leaves its condition, and its reason with the phase", () => {
    const termination = {
      why: "Evicted",
      status: { phase: "Failed", reason: "Evicted", message: "The node was low on resource: memory. " },
      condition: { type: "DisruptionTarget", reason: "TerminationByKubelet", message: "m" }
    } as const
    const going = plan(viewOf(podOf(), { observed: observed([record("c")]), memory: memory({ termination }) }))
    assert.deepInclude(condition(going.status, "DisruptionTarget"), { status: "True", reason: "TerminationByKubelet" })
    assert.isUndefined(going.status.reason)
    const gone = plan(viewOf(podOf(), {
      observed: observed([exited("c", 0)], [sandbox({ ready: false })]),
      memory: { ...going.memory, attempts: { "stop:s0": { atMs: t0, tries: 1, graceMs: 0 } } }
    }))
    assert.deepInclude(gone.status, termination.status)
    assert.strictEqual(gone.stage, "terminated")
  })
})

describe("F5: addresses", () => {
  it.each([
    { ips: ["10.0.0.7", "fd00::7"], hosts: ["192.168.0.2"], want: ["10.0.0.7", "fd00::7"], why: "as they come" },
    { ips: ["10.0.0.7", "fd00::7"], hosts: ["fd00::2"], want: ["fd00::7", "10.0.0.7"], why: "the node's family first" },
    { ips: ["10.0.0.7", "10.0.0.8"], hosts: ["192.168.0.2"], want: ["10.0.0.7"], why: "one a family" }
  ])("$ips on $hosts: $why", ({ hosts, ips, want }) => {
    const base = viewOf(podOf())
    const { status } = plan({
      ...base,
      node: { ...base.node, hostIPs: hosts },
      observed: observed([record("c")], [sandbox({ ips })])
    })
    assert.deepStrictEqual(status.podIPs?.map(({ ip }) => ip), want)
    assert.strictEqual(status.podIP, want[0])
  })
  it("host network has the node's addresses, and keeps them", () => {
    const pod = podOf({ hostNetwork: true })
    const base = viewOf(pod, { observed: observed([], []) })
    const one = plan(base)
    assert.strictEqual(one.status.podIP, "192.168.0.2")
    const node = { ...base.node, hostIPs: ["192.168.9.9", "fd00::2"] }
    const two = plan({ ...base, node, memory: one.memory })
    assert.deepStrictEqual(two.status.podIPs, [{ ip: "192.168.0.2" }, { ip: "fd00::2" }])
    assert.strictEqual(two.status.hostIP, "192.168.9.9")
  })
  it("the address of a sandbox that has gone stays to be seen", () => {
    const running = plan(viewOf(podOf(), { observed: observed([record("c")]) }))
    const gone = statusOf(podOf(), {
      observed: observed([exited("c", 1)], [sandbox({ ready: false, ips: [] })]),
      memory: running.memory
    })
    assert.strictEqual(gone.podIP, "10.0.0.7")
    assert.strictEqual(condition(gone, "PodReadyToStartContainers")?.status, "False")
  })
})

describe("F8: the end", () => {
  it("the last status of a pod that is over is not touched by its deletion", () => {
    const over = statusOf(podOf({ restartPolicy: "Never" }), {
      observed: observed([exited("c", 0)], [sandbox({ ready: false })]),
      memory: memory({ attempts: { "stop:s0": { atMs: t0, tries: 1, graceMs: 0 } } })
    })
    assert.strictEqual(over.phase, "Succeeded")
    const deleted = podOf({ restartPolicy: "Never" }, {
      meta: { generation: 2, deletionTimestamp: "2026-11-01T00:10:00Z" },
      status: over
    })
    const next = plan(viewOf(deleted, { observed: observed([], []), memory: memory({ lastStatus: over }) }))
    assert.strictEqual(next.status, over)
    assert.strictEqual(next.stage, "terminated")
  })
  it("F1: a static pod that always restarts does not end", () => {
    const view = viewOf(podOf(), { source: "file", observed: observed([exited("c", 0)]), nowMs: t0 + 2000 })
    assert.strictEqual(plan(view).status.phase, "Running")
    assert.strictEqual(plan(view).stage, "syncing")
  })
})
