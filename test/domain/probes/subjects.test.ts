import { assert, describe, it } from "@effect/vitest"
import type { Probe } from "../../../src/domain/k8s/container.ts"
import type { Pod } from "../../../src/domain/k8s/pod.ts"
import type { ObservedContainer } from "../../../src/domain/pod/model.ts"
import { probeSubjects } from "../../../src/domain/probes/subjects.ts"
import { container, exited, observed, podOf, record, sandbox } from "../pod/fixtures.ts"

const probe: Probe = { tcpSocket: { port: 80 } }
const probed = container("c", { readinessProbe: probe, livenessProbe: probe })

const idsOf = (pod: Pod, records: ReadonlyArray<ObservedContainer>) =>
  probeSubjects(pod, observed(records), undefined).map((subject) => subject.container.id)

describe("which containers are probed", () => {
  it.each<{ pod: Pod; records: ReadonlyArray<ObservedContainer>; want: ReadonlyArray<string>; why: string }>([
    { pod: podOf({ containers: [probed] }), records: [record("c")], want: ["c-0"], why: "it runs and has probes" },
    { pod: podOf(), records: [record("c")], want: [], why: "it has no probes" },
    { pod: podOf({ containers: [probed] }), records: [], want: [], why: "it was not made yet" },
    {
      pod: podOf({ containers: [probed] }),
      records: [record("c", { state: "Created" })],
      want: [],
      why: "it does not run yet"
    },
    { pod: podOf({ containers: [probed] }), records: [exited("c", 0)], want: [], why: "it has ended" },
    {
      pod: podOf({ containers: [probed] }),
      records: [exited("c", 1, { restartCount: 1 }), record("c")],
      want: [],
      why: "the newest of that name has ended"
    },
    {
      pod: podOf({ containers: [probed] }),
      records: [record("c", { restartCount: 1 }), exited("c", 1)],
      want: ["c-1"],
      why: "it runs again"
    },
    {
      pod: podOf({ initContainers: [container("s", { restartPolicy: "Always", startupProbe: probe })] }),
      records: [record("s"), record("c")],
      want: ["s-0"],
      why: "sidecars have probes (D7)"
    },
    {
      pod: podOf({ initContainers: [container("i", { startupProbe: probe })] }),
      records: [record("i")],
      want: [],
      why: "init containers have none"
    }
  ])("H3: $want, because $why", ({ pod, records, want }) => assert.deepStrictEqual(idsOf(pod, records), want))

  it("H4: a probe goes to the sandbox that its container lives in", () => {
    const sandboxes = [sandbox({ id: "s1", ips: ["10.0.0.8"] }), sandbox()]
    const [subject] = probeSubjects(podOf({ containers: [probed] }), observed([record("c")], sandboxes), undefined)
    assert.deepStrictEqual(subject?.ips, ["10.0.0.7"])
  })

  it.each([
    { status: { containerID: "containerd://c-0", started: true }, want: true, why: "the status says so" },
    { status: { containerID: "containerd://c-0", started: false }, want: false, why: "it had not started" },
    { status: { containerID: "containerd://other", started: true }, want: false, why: "another container had" }
  ])("C15: known to have started: $want, because $why", ({ status, want }) => {
    const pod = podOf({ containers: [probed] })
    const [subject] = probeSubjects(pod, observed([record("c")]), { containerStatuses: [{ name: "c", ...status }] })
    assert.strictEqual(subject?.knownStarted, want)
  })
})
