/** Pod volumes: every source that a pod or a PersistentVolume may name in 1.36, the in-tree cloud ones included. */
import { Schema } from "effect"
import { ObjectFieldSelector, ResourceFieldSelector } from "./container.ts"
import { bool, list, num, optional, quantity, resourceList, str, stringMap, strings } from "./fields.ts"
import { LabelSelector, LocalObjectReference, SecretReference, TypedLocalObjectReference } from "./meta.ts"

export const KeyToPath = Schema.Struct({ key: Schema.String, path: Schema.String, mode: num })
export interface KeyToPath extends Schema.Schema.Type<typeof KeyToPath> {}

export const HostPathVolumeSource = Schema.Struct({ path: Schema.String, type: str })
export interface HostPathVolumeSource extends Schema.Schema.Type<typeof HostPathVolumeSource> {}

export const EmptyDirVolumeSource = Schema.Struct({ medium: str, sizeLimit: quantity })
export interface EmptyDirVolumeSource extends Schema.Schema.Type<typeof EmptyDirVolumeSource> {}

export const SecretVolumeSource = Schema.Struct({
  secretName: str,
  items: list(KeyToPath),
  defaultMode: num,
  optional: bool
})
export interface SecretVolumeSource extends Schema.Schema.Type<typeof SecretVolumeSource> {}

export const ConfigMapVolumeSource = Schema.Struct({
  name: str,
  items: list(KeyToPath),
  defaultMode: num,
  optional: bool
})
export interface ConfigMapVolumeSource extends Schema.Schema.Type<typeof ConfigMapVolumeSource> {}

export const DownwardAPIVolumeFile = Schema.Struct({
  path: Schema.String,
  fieldRef: optional(ObjectFieldSelector),
  resourceFieldRef: optional(ResourceFieldSelector),
  mode: num
})
export interface DownwardAPIVolumeFile extends Schema.Schema.Type<typeof DownwardAPIVolumeFile> {}

export const DownwardAPIVolumeSource = Schema.Struct({ items: list(DownwardAPIVolumeFile), defaultMode: num })
export interface DownwardAPIVolumeSource extends Schema.Schema.Type<typeof DownwardAPIVolumeSource> {}

export const ServiceAccountTokenProjection = Schema.Struct({
  audience: str,
  expirationSeconds: num,
  path: Schema.String
})
export interface ServiceAccountTokenProjection extends Schema.Schema.Type<typeof ServiceAccountTokenProjection> {}

export const ClusterTrustBundleProjection = Schema.Struct({
  name: str,
  signerName: str,
  labelSelector: optional(LabelSelector),
  optional: bool,
  path: Schema.String
})
export interface ClusterTrustBundleProjection extends Schema.Schema.Type<typeof ClusterTrustBundleProjection> {}

export const PodCertificateProjection = Schema.Struct({
  signerName: str,
  keyType: str,
  maxExpirationSeconds: num,
  credentialBundlePath: str,
  keyPath: str,
  certificateChainPath: str,
  userAnnotations: stringMap
})
export interface PodCertificateProjection extends Schema.Schema.Type<typeof PodCertificateProjection> {}

/** A Secret or ConfigMap inside a projected volume. */
export const KeysProjection = Schema.Struct({ name: str, items: list(KeyToPath), optional: bool })
export interface KeysProjection extends Schema.Schema.Type<typeof KeysProjection> {}

export const VolumeProjection = Schema.Struct({
  secret: optional(KeysProjection),
  downwardAPI: optional(Schema.Struct({ items: list(DownwardAPIVolumeFile) })),
  configMap: optional(KeysProjection),
  serviceAccountToken: optional(ServiceAccountTokenProjection),
  clusterTrustBundle: optional(ClusterTrustBundleProjection),
  podCertificate: optional(PodCertificateProjection)
})
export interface VolumeProjection extends Schema.Schema.Type<typeof VolumeProjection> {}

export const ProjectedVolumeSource = Schema.Struct({ sources: list(VolumeProjection), defaultMode: num })
export interface ProjectedVolumeSource extends Schema.Schema.Type<typeof ProjectedVolumeSource> {}

export const PersistentVolumeClaimVolumeSource = Schema.Struct({ claimName: Schema.String, readOnly: bool })
export interface PersistentVolumeClaimVolumeSource
  extends Schema.Schema.Type<typeof PersistentVolumeClaimVolumeSource>
{}

export const ImageVolumeSource = Schema.Struct({ reference: str, pullPolicy: str })
export interface ImageVolumeSource extends Schema.Schema.Type<typeof ImageVolumeSource> {}

export const CSIVolumeSource = Schema.Struct({
  driver: Schema.String,
  readOnly: bool,
  fsType: str,
  volumeAttributes: stringMap,
  nodePublishSecretRef: optional(LocalObjectReference)
})
export interface CSIVolumeSource extends Schema.Schema.Type<typeof CSIVolumeSource> {}

const VolumeResources = Schema.Struct({ limits: resourceList, requests: resourceList })

/** The spec of a claim; here because generic ephemeral volumes carry one. */
export const PersistentVolumeClaimSpec = Schema.Struct({
  accessModes: strings,
  selector: optional(LabelSelector),
  resources: optional(VolumeResources),
  volumeName: str,
  storageClassName: str,
  volumeMode: str,
  dataSource: optional(TypedLocalObjectReference),
  volumeAttributesClassName: str
})
export interface PersistentVolumeClaimSpec extends Schema.Schema.Type<typeof PersistentVolumeClaimSpec> {}

export const EphemeralVolumeSource = Schema.Struct({
  volumeClaimTemplate: optional(
    Schema.Struct({
      metadata: optional(Schema.Struct({ labels: stringMap, annotations: stringMap })),
      spec: PersistentVolumeClaimSpec
    })
  )
})
export interface EphemeralVolumeSource extends Schema.Schema.Type<typeof EphemeralVolumeSource> {}

export const NFSVolumeSource = Schema.Struct({ server: Schema.String, path: Schema.String, readOnly: bool })
export interface NFSVolumeSource extends Schema.Schema.Type<typeof NFSVolumeSource> {}

/** The secret is local to the pod in a pod and names its namespace in a PersistentVolume. */
export const ISCSIVolumeSource = Schema.Struct({
  targetPortal: Schema.String,
  iqn: Schema.String,
  lun: Schema.Number,
  iscsiInterface: str,
  fsType: str,
  readOnly: bool,
  portals: strings,
  chapAuthDiscovery: bool,
  chapAuthSession: bool,
  secretRef: optional(SecretReference),
  initiatorName: str
})
export interface ISCSIVolumeSource extends Schema.Schema.Type<typeof ISCSIVolumeSource> {}

export const FCVolumeSource = Schema.Struct({
  targetWWNs: strings,
  lun: num,
  fsType: str,
  readOnly: bool,
  wwids: strings
})
export interface FCVolumeSource extends Schema.Schema.Type<typeof FCVolumeSource> {}

export const FlexVolumeSource = Schema.Struct({
  driver: Schema.String,
  fsType: str,
  secretRef: optional(SecretReference),
  readOnly: bool,
  options: stringMap
})
export interface FlexVolumeSource extends Schema.Schema.Type<typeof FlexVolumeSource> {}

export const GitRepoVolumeSource = Schema.Struct({ repository: Schema.String, revision: str, directory: str })

/** In-tree cloud disks: served by the CSI drivers they were migrated to, so only their identity is read here. */
export const cloudVolumeFields = {
  gcePersistentDisk: optional(
    Schema.Struct({ pdName: Schema.String, fsType: str, partition: num, readOnly: bool })
  ),
  awsElasticBlockStore: optional(
    Schema.Struct({ volumeID: Schema.String, fsType: str, partition: num, readOnly: bool })
  ),
  azureDisk: optional(
    Schema.Struct({
      diskName: Schema.String,
      diskURI: Schema.String,
      cachingMode: str,
      fsType: str,
      readOnly: bool,
      kind: str
    })
  ),
  azureFile: optional(
    Schema.Struct({ secretName: Schema.String, secretNamespace: str, shareName: Schema.String, readOnly: bool })
  ),
  cinder: optional(
    Schema.Struct({ volumeID: Schema.String, fsType: str, readOnly: bool, secretRef: optional(SecretReference) })
  ),
  vsphereVolume: optional(
    Schema.Struct({ volumePath: Schema.String, fsType: str, storagePolicyName: str, storagePolicyID: str })
  ),
  portworxVolume: optional(Schema.Struct({ volumeID: Schema.String, fsType: str, readOnly: bool }))
}

/** Sources whose drivers are gone; they decode so that a pod naming one fails with a clear message. */
export const removedVolumeFields = {
  cephfs: optional(Schema.Unknown),
  rbd: optional(Schema.Unknown),
  glusterfs: optional(Schema.Unknown),
  flocker: optional(Schema.Unknown),
  photonPersistentDisk: optional(Schema.Unknown),
  quobyte: optional(Schema.Unknown),
  scaleIO: optional(Schema.Unknown),
  storageos: optional(Schema.Unknown)
}

/** A volume of a pod: a name and exactly one source (none means emptyDir). */
export const Volume = Schema.Struct({
  name: Schema.String,
  hostPath: optional(HostPathVolumeSource),
  emptyDir: optional(EmptyDirVolumeSource),
  secret: optional(SecretVolumeSource),
  configMap: optional(ConfigMapVolumeSource),
  downwardAPI: optional(DownwardAPIVolumeSource),
  projected: optional(ProjectedVolumeSource),
  persistentVolumeClaim: optional(PersistentVolumeClaimVolumeSource),
  ephemeral: optional(EphemeralVolumeSource),
  csi: optional(CSIVolumeSource),
  image: optional(ImageVolumeSource),
  nfs: optional(NFSVolumeSource),
  iscsi: optional(ISCSIVolumeSource),
  fc: optional(FCVolumeSource),
  flexVolume: optional(FlexVolumeSource),
  gitRepo: optional(GitRepoVolumeSource),
  ...cloudVolumeFields,
  ...removedVolumeFields
})
export interface Volume extends Schema.Schema.Type<typeof Volume> {}
