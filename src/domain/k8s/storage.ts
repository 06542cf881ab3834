/** Persistent volumes, claims, classes, and the CSI objects. */
import { Schema } from "effect"
import { bool, list, num, optional, resourceList, str, stringMap, strings, time } from "./fields.ts"
import { NodeSelector, ObjectMeta, ObjectReference, SecretReference, TopologySelectorTerm } from "./meta.ts"
import {
  cloudVolumeFields,
  FCVolumeSource,
  FlexVolumeSource,
  HostPathVolumeSource,
  ISCSIVolumeSource,
  NFSVolumeSource,
  PersistentVolumeClaimSpec,
  removedVolumeFields
} from "./volume.ts"

export const CSIPersistentVolumeSource = Schema.Struct({
  driver: Schema.String,
  volumeHandle: Schema.String,
  readOnly: bool,
  fsType: str,
  volumeAttributes: stringMap,
  controllerPublishSecretRef: optional(SecretReference),
  nodeStageSecretRef: optional(SecretReference),
  nodePublishSecretRef: optional(SecretReference),
  controllerExpandSecretRef: optional(SecretReference),
  nodeExpandSecretRef: optional(SecretReference)
})
export interface CSIPersistentVolumeSource extends Schema.Schema.Type<typeof CSIPersistentVolumeSource> {}

export const LocalVolumeSource = Schema.Struct({ path: Schema.String, fsType: str })
export interface LocalVolumeSource extends Schema.Schema.Type<typeof LocalVolumeSource> {}

export const PersistentVolumeSpec = Schema.Struct({
  capacity: resourceList,
  accessModes: strings,
  claimRef: optional(ObjectReference),
  persistentVolumeReclaimPolicy: str,
  storageClassName: str,
  mountOptions: strings,
  volumeMode: str,
  nodeAffinity: optional(Schema.Struct({ required: optional(NodeSelector) })),
  volumeAttributesClassName: str,
  csi: optional(CSIPersistentVolumeSource),
  local: optional(LocalVolumeSource),
  hostPath: optional(HostPathVolumeSource),
  nfs: optional(NFSVolumeSource),
  iscsi: optional(ISCSIVolumeSource),
  fc: optional(FCVolumeSource),
  flexVolume: optional(FlexVolumeSource),
  ...cloudVolumeFields,
  ...removedVolumeFields
})
export interface PersistentVolumeSpec extends Schema.Schema.Type<typeof PersistentVolumeSpec> {}

export const PersistentVolume = Schema.Struct({
  apiVersion: str,
  kind: str,
  metadata: ObjectMeta,
  spec: PersistentVolumeSpec,
  status: optional(Schema.Struct({ phase: str, message: str, reason: str }))
})
export interface PersistentVolume extends Schema.Schema.Type<typeof PersistentVolume> {}

export const PersistentVolumeClaimCondition = Schema.Struct({
  type: Schema.String,
  status: Schema.String,
  lastProbeTime: time,
  lastTransitionTime: time,
  reason: str,
  message: str
})
export interface PersistentVolumeClaimCondition extends Schema.Schema.Type<typeof PersistentVolumeClaimCondition> {}

export const PersistentVolumeClaim = Schema.Struct({
  apiVersion: str,
  kind: str,
  metadata: ObjectMeta,
  spec: PersistentVolumeClaimSpec,
  status: optional(Schema.Struct({
    phase: str,
    accessModes: strings,
    capacity: resourceList,
    conditions: list(PersistentVolumeClaimCondition),
    allocatedResources: resourceList,
    allocatedResourceStatuses: stringMap,
    currentVolumeAttributesClassName: str
  }))
})
export interface PersistentVolumeClaim extends Schema.Schema.Type<typeof PersistentVolumeClaim> {}

export const StorageClass = Schema.Struct({
  apiVersion: str,
  kind: str,
  metadata: ObjectMeta,
  provisioner: Schema.String,
  parameters: stringMap,
  reclaimPolicy: str,
  mountOptions: strings,
  allowVolumeExpansion: bool,
  volumeBindingMode: str,
  allowedTopologies: list(TopologySelectorTerm)
})
export interface StorageClass extends Schema.Schema.Type<typeof StorageClass> {}

export const CSINodeDriver = Schema.Struct({
  name: Schema.String,
  nodeID: Schema.String,
  topologyKeys: strings,
  allocatable: optional(Schema.Struct({ count: num }))
})
export interface CSINodeDriver extends Schema.Schema.Type<typeof CSINodeDriver> {}

export const CSINode = Schema.Struct({
  apiVersion: str,
  kind: str,
  metadata: ObjectMeta,
  spec: optional(Schema.Struct({ drivers: list(CSINodeDriver) }))
})
export interface CSINode extends Schema.Schema.Type<typeof CSINode> {}

export const CSITokenRequest = Schema.Struct({ audience: str, expirationSeconds: num })
export interface CSITokenRequest extends Schema.Schema.Type<typeof CSITokenRequest> {}

export const CSIDriverSpec = Schema.Struct({
  attachRequired: bool,
  podInfoOnMount: bool,
  volumeLifecycleModes: strings,
  storageCapacity: bool,
  fsGroupPolicy: str,
  tokenRequests: list(CSITokenRequest),
  requiresRepublish: bool,
  seLinuxMount: bool,
  nodeAllocatableUpdatePeriodSeconds: num,
  serviceAccountTokenInSecrets: bool
})
export interface CSIDriverSpec extends Schema.Schema.Type<typeof CSIDriverSpec> {}

export const CSIDriver = Schema.Struct({ apiVersion: str, kind: str, metadata: ObjectMeta, spec: CSIDriverSpec })
export interface CSIDriver extends Schema.Schema.Type<typeof CSIDriver> {}

const VolumeError = Schema.Struct({ time, message: str, errorCode: num })

export const VolumeAttachment = Schema.Struct({
  apiVersion: str,
  kind: str,
  metadata: ObjectMeta,
  spec: Schema.Struct({
    attacher: Schema.String,
    source: Schema.Struct({
      persistentVolumeName: str,
      inlineVolumeSpec: optional(PersistentVolumeSpec)
    }),
    nodeName: Schema.String
  }),
  status: optional(Schema.Struct({
    attached: bool,
    attachmentMetadata: stringMap,
    attachError: optional(VolumeError),
    detachError: optional(VolumeError)
  }))
})
export interface VolumeAttachment extends Schema.Schema.Type<typeof VolumeAttachment> {}
