import { assert, describe, it } from "@effect/vitest"
import type { PodStatus } from "../../../src/domain/k8s/podStatus.ts"
import { statusPatch } from "../../../src/domain/pod/statusPatch.ts"

const ready = (status: string, fields: object = {}) => ({ type: "Ready", status, lastTransitionTime: "t1", ...fields })
const base: PodStatus = {
  phase: "Running",
  podIP: "10.0.0.7",
  podIPs: [{ ip: "10.0.0.7" }],
  containerStatuses: [{ name: "c", ready: true }],
  conditions: [ready("True")]
}

const rows: ReadonlyArray<{ shown: PodStatus | undefined; wanted: PodStatus; want: object | undefined; why: string }> =
  [
    { shown: base, wanted: base, want: undefined, why: "nothing differs" },
    {
      shown: undefined,
      wanted: { phase: "Pending", conditions: [ready("False")] },
      want: { phase: "Pending", conditions: [ready("False")] },
      why: "the first one is sent whole"
    },
    { shown: base, wanted: { ...base, phase: "Failed" }, want: { phase: "Failed" }, why: "only what differs" },
    {
      shown: base,
      wanted: { ...base, containerStatuses: [{ name: "c", ready: false }] },
      want: { containerStatuses: [{ name: "c", ready: false }] },
      why: "lists without a merge key are replaced"
    },
    {
      shown: base,
      wanted: { ...base, podIPs: [{ ip: "10.0.0.8" }] },
      want: { podIPs: [{ $patch: "replace" }, { ip: "10.0.0.8" }] },
      why: "addresses merge by key, so the old one has to be pushed out"
    },
    {
      shown: { ...base, reason: "Evicted" },
      wanted: base,
      want: { reason: null },
      why: "what is gone is named"
    },
    {
      shown: { ...base, conditions: [ready("False", { reason: "ContainersNotReady", message: "m" })] },
      wanted: base,
      want: { conditions: [{ ...ready("True"), reason: null, message: null }] },
      why: "a condition sheds what it no longer has"
    },
    {
      shown: { ...base, conditions: [ready("True"), { type: "example.com/gate", status: "True" }] },
      wanted: base,
      want: undefined,
      why: "conditions of others are left alone"
    },
    {
      shown: { ...base, conditions: [ready("True"), { type: "example.com/gate", status: "True" }] },
      wanted: { ...base, conditions: [ready("True"), { type: "example.com/gate", status: "False" }] },
      want: undefined,
      why: "a stale copy of them is not sent"
    },
    {
      shown: { ...base, conditions: [ready("True"), { type: "PodResizeInProgress", status: "True" }] },
      wanted: base,
      want: { conditions: [{ $patch: "delete", type: "PodResizeInProgress" }] },
      why: "one of ours that is over is removed"
    },
    {
      shown: { ...base, conditions: [ready("True"), { type: "DisruptionTarget", status: "True" }] },
      wanted: base,
      want: undefined,
      why: "a disruption told by somebody else stays"
    },
    {
      shown: { ...base, resources: { requests: { cpu: "1", memory: "1Gi" } } },
      wanted: { ...base, resources: { requests: { cpu: "2" } } },
      want: { resources: { requests: { cpu: "2", memory: null } } },
      why: "maps are merged by the server"
    },
    {
      shown: { ...base, resourceClaimStatuses: [{ name: "x" }], nominatedNodeName: "n" },
      wanted: base,
      want: undefined,
      why: "fields of the scheduler and of claims are theirs"
    }
  ]

describe("F6: status patches", () => {
  it.each(rows)("$why", ({ shown, want, wanted }) => {
    const patch = statusPatch(shown, wanted, "u1")
    assert.deepStrictEqual(patch, want === undefined ? undefined : { metadata: { uid: "u1" }, status: want })
  })
  it("fields that this agent does not know survive", () => {
    const newer: PodStatus = Object.assign({ ...base }, { extendedResourceClaimStatus: { x: 1 } })
    assert.isUndefined(statusPatch(newer, base, "u1"))
  })
})
