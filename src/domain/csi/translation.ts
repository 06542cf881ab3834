/**
 * The disks of clouds that Kubernetes used to mount itself, as volumes of the CSI drivers that took them over: the
 * handles and attributes are those that the drivers know such disks by (parity I13, KEP-625).
 */
import { Result } from "effect"
import type { CSIPersistentVolumeSource, PersistentVolume } from "../k8s/storage.ts"
import type { Volume } from "../k8s/volume.ts"

export interface Translated {
  readonly source: CSIPersistentVolumeSource
  readonly accessModes: ReadonlyArray<string>
  /** Names the volume where no PersistentVolume does. */
  readonly name: string
}

type Translation = Result.Result<Translated, string>

/** Where the disk is named. */
interface Origin {
  /** That of the PersistentVolume, else of the volume in its pod. */
  readonly name: string
  /** The pod's; undefined for a PersistentVolume. */
  readonly podNamespace: string | undefined
  readonly labels: Readonly<Record<string, string>>
  readonly annotations: Readonly<Record<string, string>>
  /** Undefined in a pod. */
  readonly accessModes: ReadonlyArray<string> | undefined
}

type Disks = Pick<
  Volume,
  | "awsElasticBlockStore"
  | "azureDisk"
  | "azureFile"
  | "cinder"
  | "gcePersistentDisk"
  | "portworxVolume"
  | "vsphereVolume"
>

/** The plugins that are served this way; told in the node's CSINode, so that others translate, too. */
export const migratedPlugins: ReadonlyArray<string> = [
  "kubernetes.io/aws-ebs",
  "kubernetes.io/azure-disk",
  "kubernetes.io/azure-file",
  "kubernetes.io/cinder",
  "kubernetes.io/gce-pd",
  "kubernetes.io/portworx-volume",
  "kubernetes.io/vsphere-volume"
]

const modesOr = (origin: Origin, mode: string): ReadonlyArray<string> => origin.accessModes ?? [mode]

const aws = (disk: NonNullable<Disks["awsElasticBlockStore"]>, origin: Origin): Translation => {
  const driver = "ebs.csi.aws.com"
  // `aws://zone/vol-…` is a form of old.
  const handle = disk.volumeID.startsWith("aws://") ? disk.volumeID.split("/").at(-1) ?? "" : disk.volumeID
  if (!/^vol-[^/]*$/.test(handle)) return Result.fail(`invalid format for AWS volume (${disk.volumeID})`)
  return Result.succeed({
    name: `${driver}-${disk.volumeID}`,
    accessModes: modesOr(origin, "ReadWriteOnce"),
    source: {
      driver,
      volumeHandle: handle,
      readOnly: disk.readOnly ?? false,
      fsType: disk.fsType ?? "",
      volumeAttributes: { partition: disk.partition === undefined || disk.partition === 0 ? "" : `${disk.partition}` }
    }
  })
}

const zoneLabels = ["failure-domain.beta.kubernetes.io/zone", "topology.kubernetes.io/zone"]
const unknown = "UNSPECIFIED"

/** A disk in several zones belongs to their region: `us-central1` of `us-central1-a__us-central1-b`. */
const gcePlace = ({ labels }: Origin): Result.Result<string, string> => {
  const zones = zoneLabels.map((label) => labels[label] ?? "").find((text) => text !== "")?.split("__") ?? [unknown]
  if (zones.length === 1) return Result.succeed(`zones/${zones[0]}`)
  const [region, ...others] = new Set(zones.map((zone) => zone.split("-").slice(0, 2).join("-")))
  return others.length === 0
    ? Result.succeed(`regions/${region}`)
    : Result.fail(`failed to get region from zones: ${zones.join(", ")}`)
}

/** The plugin took what it was given for a disk of one writer, which the driver would refuse. */
const gceModes = (modes: ReadonlyArray<string>): ReadonlyArray<string> =>
  modes.length > 0 && modes.every((mode) => mode === "ReadOnlyMany") ? ["ReadOnlyMany"] : ["ReadWriteOnce"]

const gce = (disk: NonNullable<Disks["gcePersistentDisk"]>, origin: Origin): Translation =>
  Result.map(gcePlace(origin), (place) => ({
    name: `pd.csi.storage.gke.io-${disk.pdName}`,
    accessModes: origin.accessModes === undefined
      ? [disk.readOnly === true ? "ReadOnlyMany" : "ReadWriteOnce"]
      : gceModes(origin.accessModes),
    source: {
      driver: "pd.csi.storage.gke.io",
      volumeHandle: `projects/${unknown}/${place}/disks/${disk.pdName}`,
      readOnly: disk.readOnly ?? false,
      fsType: disk.fsType ?? "",
      volumeAttributes: { partition: disk.partition === undefined || disk.partition === 0 ? "" : `${disk.partition}` }
    }
  }))

const azureDisk = (disk: NonNullable<Disks["azureDisk"]>, origin: Origin): Translation =>
  Result.succeed({
    name: `disk.csi.azure.com-${disk.diskName}`,
    accessModes: modesOr(origin, "ReadWriteOnce"),
    source: {
      driver: "disk.csi.azure.com",
      volumeHandle: disk.diskURI,
      readOnly: disk.readOnly ?? false,
      fsType: disk.fsType ?? "",
      volumeAttributes: {
        kind: disk.kind ?? "Managed",
        "csi-migration": "true",
        ...((disk.cachingMode ?? "") === "" ? {} : { cachingMode: disk.cachingMode ?? "" }),
        ...(disk.fsType === undefined ? {} : { fsType: disk.fsType })
      }
    }
  })

const azureFile = (share: NonNullable<Disks["azureFile"]>, origin: Origin): Translation => {
  const { secretName, shareName } = share
  const account = /azure-storage-account-(.+)-secret/.exec(secretName)?.[1] ?? secretName
  const group = origin.annotations["kubernetes.io/azure-file-resource-group"] ?? ""
  const namespace = origin.podNamespace ?? share.secretNamespace ?? "default"
  return Result.succeed({
    name: `file.csi.azure.com-${shareName}`,
    accessModes: modesOr(origin, "ReadWriteMany"),
    source: {
      driver: "file.csi.azure.com",
      volumeHandle: [group, account, shareName, origin.name, namespace].join("#"),
      readOnly: share.readOnly ?? false,
      volumeAttributes: { sharename: shareName },
      nodeStageSecretRef: { name: secretName, namespace }
    }
  })
}

const cinder = (disk: NonNullable<Disks["cinder"]>, origin: Origin): Translation =>
  Result.succeed({
    name: `cinder.csi.openstack.org-${disk.volumeID}`,
    accessModes: modesOr(origin, "ReadWriteOnce"),
    source: {
      driver: "cinder.csi.openstack.org",
      volumeHandle: disk.volumeID,
      readOnly: disk.readOnly ?? false,
      fsType: disk.fsType ?? "",
      volumeAttributes: {}
    }
  })

const vsphere = (disk: NonNullable<Disks["vsphereVolume"]>, origin: Origin): Translation =>
  Result.succeed({
    // Paths of a data store have slashes, which names of folders cannot.
    name: `csi.vsphere.vmware.com-${disk.volumePath.replaceAll("/", "~")}`,
    accessModes: modesOr(origin, "ReadWriteOnce"),
    source: {
      driver: "csi.vsphere.vmware.com",
      volumeHandle: disk.volumePath,
      fsType: disk.fsType ?? "",
      volumeAttributes: (disk.storagePolicyName ?? "") === ""
        ? {}
        : { storagepolicyname: disk.storagePolicyName ?? "" }
    }
  })

const portworx = (disk: NonNullable<Disks["portworxVolume"]>, origin: Origin): Translation =>
  Result.succeed({
    name: `pxd.portworx.com-${disk.volumeID}`,
    accessModes: modesOr(origin, disk.readOnly === true ? "ReadOnlyMany" : "ReadWriteOnce"),
    source: {
      driver: "pxd.portworx.com",
      volumeHandle: disk.volumeID,
      fsType: disk.fsType ?? "",
      volumeAttributes: {}
    }
  })

const translate = (disks: Disks, origin: Origin): Translation | undefined => {
  if (disks.awsElasticBlockStore !== undefined) return aws(disks.awsElasticBlockStore, origin)
  if (disks.gcePersistentDisk !== undefined) return gce(disks.gcePersistentDisk, origin)
  if (disks.azureDisk !== undefined) return azureDisk(disks.azureDisk, origin)
  if (disks.azureFile !== undefined) return azureFile(disks.azureFile, origin)
  if (disks.cinder !== undefined) return cinder(disks.cinder, origin)
  if (disks.vsphereVolume !== undefined) return vsphere(disks.vsphereVolume, origin)
  return disks.portworxVolume === undefined ? undefined : portworx(disks.portworxVolume, origin)
}

/** Undefined for a volume that is no disk of a cloud. */
export const translatePersistent = ({ metadata, spec }: PersistentVolume): Translation | undefined =>
  translate(spec, {
    name: metadata.name,
    podNamespace: undefined,
    labels: metadata.labels ?? {},
    annotations: metadata.annotations ?? {},
    accessModes: spec.accessModes ?? []
  })

export const translateInline = (volume: Volume, podNamespace: string): Translation | undefined =>
  translate(volume, { name: volume.name, podNamespace, labels: {}, annotations: {}, accessModes: undefined })
