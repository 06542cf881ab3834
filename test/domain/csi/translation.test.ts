import { assert, describe, it } from "@effect/vitest"
import { translateInline, translatePersistent } from "../../../src/domain/csi/translation.ts"
import type { PersistentVolume } from "../../../src/domain/k8s/storage.ts"
import type { Volume } from "../../../src/domain/k8s/volume.ts"
import { desiredVolumes } from "../../../src/domain/volumes/desired.ts"
import { podWith } from "../volumes/pods.ts"

interface Inline {
  readonly volume: Omit<Volume, "name">
  readonly want: string
  readonly modes?: string
  readonly attributes?: Readonly<Record<string, string>>
}

const managed = { kind: "Managed", "csi-migration": "true" }

describe("I13: disks of clouds are volumes of the drivers that took them over", () => {
  const inline: ReadonlyArray<Inline> = [
    {
      volume: { awsElasticBlockStore: { volumeID: "vol-1", partition: 2 } },
      want: "ebs.csi.aws.com vol-1 ebs.csi.aws.com-vol-1",
      attributes: { partition: "2" }
    },
    {
      volume: { awsElasticBlockStore: { volumeID: "aws://us-east-1a/vol-1" } },
      want: "invalid volume name",
      attributes: { partition: "" }
    },
    {
      volume: { gcePersistentDisk: { pdName: "d" } },
      want: "pd.csi.storage.gke.io projects/UNSPECIFIED/zones/UNSPECIFIED/disks/d pd.csi.storage.gke.io-d",
      attributes: { partition: "" }
    },
    {
      volume: { gcePersistentDisk: { pdName: "d", readOnly: true } },
      want: "pd.csi.storage.gke.io projects/UNSPECIFIED/zones/UNSPECIFIED/disks/d pd.csi.storage.gke.io-d",
      modes: "ReadOnlyMany",
      attributes: { partition: "" }
    },
    {
      volume: { azureDisk: { diskName: "d", diskURI: "/subscriptions/1/d", cachingMode: "None", fsType: "xfs" } },
      want: "disk.csi.azure.com /subscriptions/1/d disk.csi.azure.com-d",
      attributes: { ...managed, cachingMode: "None", fsType: "xfs" }
    },
    {
      volume: { azureFile: { secretName: "azure-storage-account-acc-secret", shareName: "s" } },
      want: "file.csi.azure.com #acc#s#v#default file.csi.azure.com-s",
      modes: "ReadWriteMany",
      attributes: { sharename: "s" }
    },
    {
      volume: { cinder: { volumeID: "c1" } },
      want: "cinder.csi.openstack.org c1 cinder.csi.openstack.org-c1",
      attributes: {}
    },
    {
      volume: { vsphereVolume: { volumePath: "[ds] a/b.vmdk", storagePolicyName: "gold" } },
      want: "csi.vsphere.vmware.com [ds] a/b.vmdk csi.vsphere.vmware.com-[ds] a~b.vmdk",
      attributes: { storagepolicyname: "gold" }
    },
    {
      volume: { portworxVolume: { volumeID: "p", readOnly: true } },
      want: "pxd.portworx.com p pxd.portworx.com-p",
      modes: "ReadOnlyMany",
      attributes: {}
    }
  ]

  it.each(inline)("in a pod: $want", ({ attributes, modes = "ReadWriteOnce", volume, want }) => {
    const pod = podWith([{ name: "v", ...volume }])
    const [desired] = desiredVolumes(pod, new Map()).volumes
    if (desired?.source._tag === "Unsupported") return assert.include(desired.source.message, want)
    if (desired?.source._tag !== "Csi") return assert.fail(`it is a ${desired?.source._tag}`)
    const { accessModes, source } = desired.source
    assert.strictEqual(`${source.driver} ${source.volumeHandle} ${desired.specName}`, want)
    assert.strictEqual(accessModes.join(), modes)
    assert.deepEqual(source.volumeAttributes, attributes)
  })

  const volume = (spec: Omit<PersistentVolume["spec"], never>, meta = {}): PersistentVolume => ({
    metadata: { name: "pv", ...meta },
    spec
  })

  it.each([
    {
      of: volume({ awsElasticBlockStore: { volumeID: "aws:///vol-9" } }),
      want: "vol-9",
      why: "a form of old, zone left out"
    },
    {
      of: volume({ gcePersistentDisk: { pdName: "d" } }, { labels: { "topology.kubernetes.io/zone": "us-a1-b" } }),
      want: "projects/UNSPECIFIED/zones/us-a1-b/disks/d",
      why: "the label tells the zone"
    },
    {
      of: volume({ gcePersistentDisk: { pdName: "d" } }, {
        labels: { "failure-domain.beta.kubernetes.io/zone": "us-a1-b__us-a1-c" }
      }),
      want: "projects/UNSPECIFIED/regions/us-a1/disks/d",
      why: "several zones are a region"
    },
    {
      of: volume({ azureFile: { secretName: "x", shareName: "s", secretNamespace: "ns" } }, {
        annotations: { "kubernetes.io/azure-file-resource-group": "rg" }
      }),
      want: "rg#x#s#pv#ns",
      why: "all that the driver wants to know is in the handle"
    }
  ])("behind a claim: $want: $why", ({ of, want }) => {
    const translated = translatePersistent(of)
    assert.strictEqual(translated?._tag === "Success" ? translated.success.source.volumeHandle : "", want)
  })

  it.each([[["ReadWriteMany"], ["ReadWriteOnce"]], [["ReadOnlyMany"], ["ReadOnlyMany"]], [
    ["ReadOnlyMany", "ReadWriteOnce"],
    ["ReadWriteOnce"]
  ]])("access modes %s of a GCE disk are %s to its driver", (accessModes, want) => {
    const translated = translatePersistent(volume({ accessModes, gcePersistentDisk: { pdName: "d" } }))
    assert.deepStrictEqual(translated?._tag === "Success" ? translated.success.accessModes : [], want)
  })

  it("what is no disk of a cloud is left as it is, what makes no sense is refused", () => {
    assert.isUndefined(translateInline({ name: "v", emptyDir: {} }, "default"))
    assert.strictEqual(
      translateInline({ name: "v", awsElasticBlockStore: { volumeID: "disk/1" } }, "default")?._tag,
      "Failure"
    )
  })
})
