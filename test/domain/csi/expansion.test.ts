import { assert, describe, it } from "@effect/vitest"
import {
  expansionBegun,
  expansionFailed,
  expansionFinished,
  expansionStep,
  isInfeasible,
  isSmaller
} from "../../../src/domain/csi/expansion.ts"
import type { PersistentVolumeClaim } from "../../../src/domain/k8s/storage.ts"

interface Case {
  readonly status?: NonNullable<PersistentVolumeClaim["status"]>
  readonly modes?: ReadonlyArray<string>
  readonly annotations?: Readonly<Record<string, string>>
}

const claim = ({ annotations = {}, modes = ["ReadWriteOnce"], status = {} }: Case): PersistentVolumeClaim => ({
  metadata: { name: "c", namespace: "default", resourceVersion: "7", annotations },
  spec: { accessModes: modes },
  status: { capacity: { storage: "1Gi" }, ...status }
})

const pending = {
  allocatedResources: { storage: "2Gi" },
  allocatedResourceStatuses: { storage: "NodeResizePending" }
}
const state = (name: string) => ({ ...pending, allocatedResourceStatuses: { storage: name } })
const grown = { allocatedResources: { storage: "2Gi" }, capacity: { storage: "2Gi" } }
const many = ["ReadWriteMany"]

describe("I18: whether a volume of 2Gi is made larger on this node", () => {
  it.each([
    { of: {}, reached: "2Gi", want: "Done", why: "it has its size" },
    { of: {}, reached: "3Gi", want: "Done", why: "volumes do not shrink" },
    { of: { status: pending }, reached: "1Gi", want: "Expand", why: "the controller says that it is the node's turn" },
    { of: { status: state("NodeResizeInProgress") }, reached: "1Gi", want: "Expand", why: "an agent died in it" },
    { of: { status: state("NodeResizeInfeasible") }, reached: "1Gi", want: "Wait", why: "it cannot be done" },
    { of: { status: state("ControllerResizeInProgress") }, reached: "1Gi", want: "Wait", why: "the disk still grows" },
    { of: {}, reached: "1Gi", want: "Expand legacy", why: "old controllers tell nothing" },
    { of: { status: { allocatedResources: { storage: "2Gi" } } }, reached: "1Gi", want: "Wait", why: "not marked yet" },
    {
      of: { status: grown },
      reached: "1Gi",
      want: "Wait",
      why: "another node was first, and this is no volume of many"
    },
    { of: { status: grown, modes: many }, reached: "1Gi", want: "Expand silent", why: "each node of a shared volume" },
    {
      of: { status: grown, modes: many, annotations: { "volume.kubernetes.io/node-expansion-not-required": "" } },
      reached: "1Gi",
      want: "Done",
      why: "its driver does it for all nodes"
    },
    { of: {}, reached: undefined, want: "Done", why: "of what is not known nothing can be said" }
  ])("$want: $why", ({ of, reached, want }) => {
    const step = expansionStep({ capacity: "2Gi", claim: claim(of) }, reached, { readOnly: false })
    const detail = step._tag !== "Expand" ? "" : step.legacy ? " legacy" : step.tells ? "" : " silent"
    assert.strictEqual(`${step._tag}${detail}`, want)
  })

  it("never one that may only be read", () =>
    assert.strictEqual(
      expansionStep({ capacity: "2Gi", claim: claim({ status: pending }) }, "1Gi", { readOnly: true })._tag,
      "ReadOnly"
    ))

  it.each([["1Gi", "1024Mi", false], ["1G", "1Gi", true], ["x", "1Gi", false]])(
    "%s < %s: %s",
    (one, other, want) => assert.strictEqual(isSmaller(one, other), want)
  )
})

describe("I18: what the claim is told", () => {
  const condition = (type: string) => ({ type, status: "True" })

  it("that it begins, for the claim as it was read", () =>
    assert.deepStrictEqual(expansionBegun(claim({})), {
      metadata: { resourceVersion: "7" },
      status: { allocatedResourceStatuses: { storage: "NodeResizeInProgress" } }
    }))

  it("that it is done: conditions of the resize go, others stay", () => {
    const conditions = [condition("FileSystemResizePending"), condition("Other"), condition("NodeResizeError")]
    assert.deepStrictEqual(expansionFinished(claim({ status: { ...pending, conditions } }), "2Gi"), {
      metadata: { resourceVersion: "7" },
      status: {
        capacity: { storage: "2Gi" },
        conditions: [condition("Other")],
        allocatedResourceStatuses: { storage: null }
      }
    })
  })

  it.each([[false, {}], [true, { allocatedResourceStatuses: { storage: "NodeResizeInfeasible" } }]])(
    "that it failed, infeasible %s: whatever else was written meanwhile",
    (infeasible, more) =>
      assert.deepStrictEqual(
        expansionFailed(claim({ status: { conditions: [condition("FileSystemResizePending")] } }), {
          message: "no",
          infeasible,
          nowMs: 0
        }),
        {
          status: {
            conditions: [condition("FileSystemResizePending"), {
              type: "NodeResizeError",
              status: "True",
              lastTransitionTime: "1970-01-01T00:00:00Z",
              message: "failed to expand pvc with no"
            }],
            ...more
          }
        }
      )
  )

  it.each([[3, true], [5, true], [11, true], [9, false], [13, false], [4, false]])(
    "code %i is infeasible: %s",
    (c, want) => assert.strictEqual(isInfeasible(c), want)
  )
})
