import { assert, describe, it } from "@effect/vitest"
import { driverRules, lifecycleProblem, ownsByGroup, podInfo, tokensText } from "../../../src/domain/csi/driverRules.ts"
import { isFinal } from "../../../src/domain/csi/outcome.ts"
import {
  accessModeOf,
  type CsiVolumeFacts,
  type NodeAbilities,
  publishRequest,
  stageRequest
} from "../../../src/domain/csi/requests.ts"
import { VolumeSource } from "../../../src/domain/volumes/desired.ts"
import { podWith } from "../volumes/pods.ts"

const plain: NodeAbilities = {
  stages: true,
  volumeStats: false,
  expands: false,
  singleNodeMultiWriter: false,
  mountGroup: false
}
const facts: CsiVolumeFacts = {
  handle: "h",
  block: false,
  readOnly: true,
  fsType: "xfs",
  mountOptions: ["noatime"],
  accessMode: "ReadWriteMany",
  attributes: { a: "1", both: "volume" }
}
const inputs = {
  facts,
  abilities: plain,
  fsGroup: 7,
  publishContext: { p: "c" },
  secrets: { s: "x" },
  stagingPath: "/stage"
}

describe("J4: arguments", () => {
  it.each([
    { mode: "ReadWriteOnce", multi: false, want: 1, why: "one writer per node" },
    { mode: "ReadWriteOnce", multi: true, want: 7, why: "many pods of the node" },
    { mode: "ReadWriteOncePod", multi: false, want: 1, why: "an older driver knows no better" },
    { mode: "ReadWriteOncePod", multi: true, want: 6, why: "one pod alone" },
    { mode: "ReadOnlyMany", multi: false, want: 3, why: "readers everywhere" },
    { mode: "ReadWriteMany", multi: true, want: 5, why: "writers everywhere" },
    { mode: "Whatever", multi: true, want: 0, why: "a mode nobody knows" }
  ])(
    "$mode (multi $multi) → $want: $why",
    ({ mode, multi, want }) => assert.strictEqual(accessModeOf(mode, { ...plain, singleNodeMultiWriter: multi }), want)
  )

  it("stage: the whole request", () =>
    assert.deepEqual(stageRequest(inputs), {
      volumeId: "h",
      publishContext: { p: "c" },
      stagingTargetPath: "/stage",
      volumeCapability: {
        accessMode: { mode: 5 },
        accessType: { case: "mount", value: { fsType: "xfs", mountFlags: ["noatime"], volumeMountGroup: "" } }
      },
      secrets: { s: "x" },
      volumeContext: { a: "1", both: "volume" }
    }))

  it("publish: read-only, and what is said of the pod wins over the volume's attributes", () => {
    const request = publishRequest({ ...inputs, targetPath: "/t", podAttributes: { both: "pod" } })
    assert.strictEqual(request.readonly, true)
    assert.strictEqual(request.targetPath, "/t")
    assert.deepEqual(request.volumeContext, { a: "1", both: "pod" })
  })

  it("a driver that mounts for a group is told it", () =>
    assert.deepEqual(
      stageRequest({ ...inputs, abilities: { ...plain, mountGroup: true } }).volumeCapability?.accessType,
      { case: "mount", value: { fsType: "xfs", mountFlags: ["noatime"], volumeMountGroup: "7" } }
    ))

  it("a block volume has neither file system nor options", () =>
    assert.deepEqual(stageRequest({ ...inputs, facts: { ...facts, block: true } }).volumeCapability?.accessType, {
      case: "block",
      value: {}
    }))
})

describe("J4: final or not", () => {
  it.each([
    { code: 1, want: false, why: "Canceled" },
    { code: 4, want: false, why: "DeadlineExceeded" },
    { code: 8, want: false, why: "ResourceExhausted" },
    { code: 10, want: false, why: "Aborted: an operation is pending" },
    { code: 14, want: false, why: "Unavailable" },
    { code: 3, want: true, why: "InvalidArgument" },
    { code: 5, want: true, why: "NotFound" },
    { code: 9, want: true, why: "FailedPrecondition" },
    { code: 13, want: true, why: "Internal" },
    { code: 2, want: true, why: "Unknown" }
  ])("$why → $want", ({ code, want }) => assert.strictEqual(isFinal(code), want))
})

const objectOf = (spec: object) => ({ metadata: { name: "d" }, spec })

describe("J5: rules of a driver", () => {
  it("one without a CSIDriver object is attached, told nothing of pods, and has persistent volumes only", () => {
    const rules = driverRules(undefined)
    assert.isTrue(rules.attachRequired)
    assert.deepEqual(podInfo(rules, podWith([]), "Persistent"), {})
    assert.isUndefined(lifecycleProblem(rules, "Persistent", "d"))
    assert.strictEqual(
      lifecycleProblem(rules, "Ephemeral", "d"),
      "volume mode \"Ephemeral\" not supported by driver d (only supports [\"Persistent\"])"
    )
  })

  it("podInfoOnMount: five keys", () =>
    assert.deepEqual(
      podInfo(
        driverRules(objectOf({ podInfoOnMount: true })),
        podWith([], { serviceAccountName: "robot" }),
        "Ephemeral"
      ),
      {
        "csi.storage.k8s.io/pod.name": "p",
        "csi.storage.k8s.io/pod.namespace": "default",
        "csi.storage.k8s.io/pod.uid": "u1",
        "csi.storage.k8s.io/serviceAccount.name": "robot",
        "csi.storage.k8s.io/ephemeral": "true"
      }
    ))

  it("tokens are one JSON object by audience", () =>
    assert.strictEqual(
      tokensText([{ audience: "vault", token: "t", expirationTimestamp: "2026-01-01T00:00:00Z" }]),
      "{\"vault\":{\"token\":\"t\",\"expirationTimestamp\":\"2026-01-01T00:00:00Z\"}}"
    ))

  const csi = (fsType: string, ...accessModes: ReadonlyArray<string>) =>
    VolumeSource.Csi({
      source: { driver: "d", volumeHandle: "h", fsType },
      volumeName: "pv",
      accessModes,
      mountOptions: []
    })
  const inline = VolumeSource.CsiInline({ source: { driver: "d", fsType: "ext4" } })
  it.each([
    { policy: "None", source: csi("ext4", "ReadWriteOnce"), readOnly: false, group: 5, want: false, why: "never" },
    { policy: "File", source: csi("", "ReadWriteMany"), readOnly: false, group: 5, want: true, why: "always" },
    { policy: "File", source: csi("", "ReadWriteMany"), readOnly: true, group: 5, want: false, why: "read-only" },
    { policy: "File", source: csi("ext4"), readOnly: false, group: undefined, want: false, why: "no group" },
    {
      policy: undefined,
      source: csi("ext4", "ReadWriteOnce"),
      readOnly: false,
      group: 5,
      want: true,
      why: "the default"
    },
    {
      policy: undefined,
      source: csi("ext4", "ReadWriteOncePod"),
      readOnly: false,
      group: 5,
      want: true,
      why: "one pod"
    },
    { policy: undefined, source: csi("ext4", "ReadWriteMany"), readOnly: false, group: 5, want: false, why: "shared" },
    { policy: undefined, source: csi("", "ReadWriteOnce"), readOnly: false, group: 5, want: false, why: "no fsType" },
    { policy: undefined, source: inline, readOnly: false, group: 5, want: true, why: "the pod's alone" }
  ])("fsGroupPolicy $policy → $want: $why", ({ group, policy, readOnly, source, want }) =>
    assert.strictEqual(
      ownsByGroup(
        driverRules(objectOf(policy === undefined ? {} : { fsGroupPolicy: policy })),
        { readOnly, source },
        group
      ),
      want
    ))
})
