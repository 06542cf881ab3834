import { assert, describe, it } from "@effect/vitest"
import { Lookup } from "../../../src/domain/config/lookups.ts"
import type { PersistentVolume, PersistentVolumeClaim } from "../../../src/domain/k8s/storage.ts"
import type { Volume } from "../../../src/domain/k8s/volume.ts"
import { type ClaimReading, claimState } from "../../../src/domain/volumes/claims.ts"
import { desiredVolumes } from "../../../src/domain/volumes/desired.ts"
import { podWith } from "./pods.ts"

const volume = (source: Omit<Volume, "name">): Volume => ({ name: "v", ...source })
const only = (source: Omit<Volume, "name">) => desiredVolumes(podWith([volume(source)]), new Map()).volumes[0]

describe("desired volumes", () => {
  it.each([
    { why: "no source is an emptyDir", source: {}, plugin: "kubernetes.io/empty-dir", tag: "EmptyDir" },
    { why: "hostPath", source: { hostPath: { path: "/x" } }, plugin: "kubernetes.io/host-path", tag: "HostPath" },
    { why: "secret", source: { secret: { secretName: "s" } }, plugin: "kubernetes.io/secret", tag: "Content" },
    { why: "configMap", source: { configMap: { name: "s" } }, plugin: "kubernetes.io/configmap", tag: "Content" },
    { why: "downwardAPI", source: { downwardAPI: {} }, plugin: "kubernetes.io/downward-api", tag: "Content" },
    { why: "projected", source: { projected: {} }, plugin: "kubernetes.io/projected", tag: "Content" },
    { why: "nfs", source: { nfs: { server: "h", path: "/" } }, plugin: "kubernetes.io/nfs", tag: "Nfs" },
    { why: "inline csi", source: { csi: { driver: "d" } }, plugin: "kubernetes.io/csi", tag: "CsiInline" },
    { why: "image", source: { image: { reference: "i" } }, plugin: "kubernetes.io/image", tag: "Image" },
    { why: "a driver that is gone", source: { rbd: {} }, plugin: "kubernetes.io/empty-dir", tag: "Unsupported" }
  ])("$why", ({ plugin, source, tag }) => {
    const found = only(source)
    assert.strictEqual(found?.plugin, plugin)
    assert.strictEqual(found?.source._tag, tag)
  })

  it("I5: all files that the agent writes but those of configMaps stay off the disk", () => {
    const inMemory = [{ secret: {} }, { configMap: {} }, { downwardAPI: {} }, { projected: {} }].map((source) => {
      const found = only(source)?.source
      return found?._tag === "Content" && found.inMemory
    })
    assert.deepStrictEqual(inMemory, [true, false, true, true])
  })

  it("a volume that no container uses is never made", () => {
    const pod = podWith([volume({ emptyDir: {} })], { containers: [{ name: "c" }] })
    assert.isEmpty(desiredVolumes(pod, new Map()).volumes)
  })

  it.each(["../x", "a/b", "..", ""])("a manifest volume named %j cannot break a path", (name) => {
    const { unprocessed, volumes } = desiredVolumes(podWith([{ name, emptyDir: {} }]), new Map())
    assert.isEmpty(volumes)
    assert.strictEqual(unprocessed[0]?.message, `invalid volume name "${name}"`)
  })

  it("claims are to be read first; generic ephemeral volumes have one of a fixed name", () => {
    const { pending, unread } = desiredVolumes(
      podWith([
        { name: "v", persistentVolumeClaim: { claimName: "data" } },
        { name: "w", ephemeral: {} }
      ]),
      new Map()
    )
    assert.deepStrictEqual(pending, ["v", "w"])
    assert.deepStrictEqual(unread, [{ claimName: "data", ephemeral: false }, { claimName: "p-w", ephemeral: true }])
  })
})

const claim: PersistentVolumeClaim = {
  metadata: { name: "data", namespace: "default", uid: "cu" },
  spec: { volumeName: "pv1" },
  status: { phase: "Bound" }
}
const disk: PersistentVolume = {
  metadata: { name: "pv1", annotations: { "pv.beta.kubernetes.io/gid": "777" } },
  spec: { claimRef: { uid: "cu" }, local: { path: "/disk" } }
}
const pod = podWith([volume({ persistentVolumeClaim: { claimName: "data", readOnly: true } })])
const reading = (changes: Partial<ClaimReading>): ClaimReading => ({
  claimName: "data",
  ephemeral: false,
  claim: Lookup.Found({ value: claim }),
  volume: Lookup.Found({ value: disk }),
  ...changes
})
const found = (changes: Partial<PersistentVolumeClaim>) => Lookup.Found({ value: { ...claim, ...changes } })
const processing = "error processing PVC default/data: "

describe("I15: claims", () => {
  const rows: ReadonlyArray<{ why: string; changes: Partial<ClaimReading>; want: string }> = [
    {
      why: "golden: missing-pvc",
      changes: { claim: Lookup.Missing() },
      want: "failed to fetch PVC from API server: persistentvolumeclaims \"data\" not found"
    },
    { why: "not bound", changes: { claim: found({ status: { phase: "Pending" } }) }, want: "PVC is not bound" },
    {
      why: "on its way out",
      changes: { claim: found({ metadata: { ...claim.metadata, deletionTimestamp: "2026-01-01T00:00:00Z" } }) },
      want: "PVC is being deleted"
    },
    {
      why: "somebody else's claim under the name of an ephemeral one",
      changes: { ephemeral: true },
      want: "PVC default/data was not created for pod default/p (pod is not owner)"
    },
    {
      why: "the volume is gone",
      changes: { volume: Lookup.Missing() },
      want: "failed to fetch PV pv1 from API server: persistentvolumes \"pv1\" not found"
    },
    {
      why: "the volume belongs to another claim of that name",
      changes: { volume: Lookup.Found({ value: { ...disk, spec: { ...disk.spec, claimRef: { uid: "zz" } } } }) },
      want: "found PV object pv1 but its pv.Spec.ClaimRef.UID zz does not point to claim.UID cu"
    }
  ]
  it.each(rows)(
    "$why",
    ({ changes, want }) => assert.deepInclude(claimState(pod, reading(changes)), { message: processing + want })
  )

  it("a bound claim gives its volume, the pod's read-only wish and the volume's group", () => {
    const { unread, volumes: [one] } = desiredVolumes(pod, new Map([["data", claimState(pod, reading({}))]]))
    assert.deepInclude(one, { name: "v", specName: "pv1", plugin: "kubernetes.io/local-volume", readOnly: true })
    assert.deepStrictEqual(one?.groups, [777])
    assert.isEmpty(unread)
  })

  it("I17: a block volume cannot be mounted, nor a file system mapped", () => {
    const block = { ...disk, spec: { ...disk.spec, volumeMode: "Block" } }
    const state = claimState(pod, reading({ volume: Lookup.Found({ value: block }) }))
    const { unprocessed } = desiredVolumes(pod, new Map([["data", state]]))
    assert.strictEqual(unprocessed[0]?.message, "volume v has volumeMode Block, but is specified in volumeMounts")
  })
})
