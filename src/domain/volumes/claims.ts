/** From a claim to the volume behind it, with the rules of when it may be used (parity I15). */
import { Data, Result } from "effect"
import { selectorFits } from "../admission/nodeAffinity.ts"
import type { Lookup } from "../config/lookups.ts"
import { translatePersistent } from "../csi/translation.ts"
import type { Node } from "../k8s/node.ts"
import type { Pod } from "../k8s/pod.ts"
import type { PersistentVolume, PersistentVolumeClaim } from "../k8s/storage.ts"
import { type DesiredVolume, VolumeSource } from "./desired.ts"
import { isSafeName, type PluginName, plugins } from "./volumePaths.ts"

export type ClaimState = Data.TaggedEnum<{
  Usable: { readonly volume: Omit<DesiredVolume, "name"> }
  /** May become usable: try again later. */
  Unusable: { readonly message: string }
}>
export const ClaimState = Data.taggedEnum<ClaimState>()

const gidAnnotation = "pv.beta.kubernetes.io/gid"

const groupsOf = ({ metadata }: PersistentVolume): ReadonlyArray<number> => {
  const gid = Number(metadata.annotations?.[gidAnnotation] ?? Number.NaN)
  return Number.isInteger(gid) && gid >= 0 ? [gid] : []
}

interface Form {
  readonly plugin: PluginName
  readonly source: VolumeSource
  readonly readOnly?: boolean
}

/** A volume of a CSI driver, or of a plugin that a driver took over. */
const driverForm = (volume: PersistentVolume): Form | undefined => {
  const { metadata, spec } = volume
  const translated = spec.csi === undefined
    ? translatePersistent(volume)
    : Result.succeed({ source: spec.csi, accessModes: spec.accessModes ?? [] })
  if (translated === undefined) return undefined
  if (Result.isFailure(translated)) {
    return { plugin: plugins.csi, source: VolumeSource.Unsupported({ message: translated.failure }) }
  }
  const { accessModes, source } = translated.success
  return {
    plugin: plugins.csi,
    source: VolumeSource.Csi({ source, volumeName: metadata.name, accessModes, mountOptions: spec.mountOptions ?? [] }),
    readOnly: source.readOnly ?? false
  }
}

const formOf = (volume: PersistentVolume): Form => {
  const { metadata, spec } = volume
  const mountOptions = spec.mountOptions ?? []
  if (spec.local !== undefined) {
    const { fsType = "", path } = spec.local
    return { plugin: plugins.local, source: VolumeSource.Local({ path, fsType, mountOptions }) }
  }
  if (spec.hostPath !== undefined) {
    const { path, type = "" } = spec.hostPath
    return { plugin: plugins.hostPath, source: VolumeSource.HostPath({ path, type }) }
  }
  if (spec.nfs !== undefined) {
    const { path, readOnly = false, server } = spec.nfs
    return { plugin: plugins.nfs, source: VolumeSource.Nfs({ server, path, mountOptions }), readOnly }
  }
  const driven = driverForm(volume)
  if (driven !== undefined) return driven
  return {
    plugin: plugins.local,
    source: VolumeSource.Unsupported({ message: `no volume plugin matched the PersistentVolume ${metadata.name}` })
  }
}

const claimProblem = (pod: Pod, claim: PersistentVolumeClaim, ephemeral: boolean): string | undefined => {
  const { metadata, spec, status } = claim
  if (ephemeral) {
    const owned = metadata.ownerReferences?.some((owner) => owner.controller === true && owner.uid === pod.metadata.uid)
    if (owned !== true) {
      const names = `${metadata.namespace}/${metadata.name} was not created for pod ${pod.metadata.namespace}`
      return `PVC ${names}/${pod.metadata.name} (pod is not owner)`
    }
  }
  if (metadata.deletionTimestamp !== undefined) return "PVC is being deleted"
  if (status?.phase !== "Bound") return "PVC is not bound"
  return (spec.volumeName ?? "") === "" ? "PVC has empty pvc.Spec.VolumeName" : undefined
}

const volumeProblem = (claim: PersistentVolumeClaim, volume: PersistentVolume): string | undefined => {
  const { metadata, spec } = volume
  if (!isSafeName(metadata.name)) return `invalid name of PV "${metadata.name}"`
  if (spec.claimRef === undefined) {
    return `found PV object ${metadata.name} but it has a nil pv.Spec.ClaimRef indicating it is not yet bound to the claim`
  }
  return spec.claimRef.uid === claim.metadata.uid
    ? undefined
    : `found PV object ${metadata.name} but its pv.Spec.ClaimRef.UID ${spec.claimRef.uid} does not point to claim.UID ${claim.metadata.uid}`
}

const missing = (resource: string, name: string): string => `${resource} "${name}" not found`

const failureOf = (found: Lookup<unknown>, resource: string, name: string): string | undefined =>
  found._tag === "Failed" ? found.message : found._tag === "Missing" ? missing(resource, name) : undefined

export interface ClaimReading {
  readonly claimName: string
  readonly ephemeral: boolean
  readonly claim: Lookup<PersistentVolumeClaim>
  /** Read only when the claim names one. */
  readonly volume: Lookup<PersistentVolume> | undefined
  /** This node; undefined while the API server has not shown it. */
  readonly node?: Node | undefined
}

/** A volume that is bound to other nodes has to be on one of them: its path may exist here, too (parity I13). */
const affinityProblem = ({ metadata, spec }: PersistentVolume, node: Node | undefined): string | undefined => {
  const required = spec.nodeAffinity?.required
  return required === undefined || node === undefined || selectorFits(required, node)
    ? undefined
    : `MountVolume.NodeAffinity check failed for volume "${metadata.name}" : no matching NodeSelectorTerms`
}

/** Only drivers know how to make a volume larger while it is mounted. */
const growthOf = (
  { source }: Form,
  claim: PersistentVolumeClaim,
  { spec }: PersistentVolume
): Pick<DesiredVolume, "growth"> => {
  const capacity = spec.capacity?.["storage"]
  return source._tag === "Csi" && capacity !== undefined ? { growth: { capacity, claim } } : {}
}

/** What the claim gives the pod. */
export const claimState = (pod: Pod, reading: ClaimReading): ClaimState => {
  const unusable = (text: string) =>
    ClaimState.Unusable({
      message: `error processing PVC ${pod.metadata.namespace}/${reading.claimName}: ${text}`
    })
  const { claim, volume } = reading
  if (claim._tag !== "Found") {
    const text = failureOf(claim, "persistentvolumeclaims", reading.claimName)
    return unusable(`failed to fetch PVC from API server: ${text}`)
  }
  const problem = claimProblem(pod, claim.value, reading.ephemeral)
  if (problem !== undefined) return unusable(problem)
  const volumeName = claim.value.spec.volumeName ?? ""
  if (volume === undefined || volume._tag !== "Found") {
    const text = failureOf(volume ?? { _tag: "Missing" }, "persistentvolumes", volumeName)
    return unusable(`failed to fetch PV ${volumeName} from API server: ${text}`)
  }
  const clash = volumeProblem(claim.value, volume.value) ?? affinityProblem(volume.value, reading.node)
  if (clash !== undefined) return unusable(clash)
  const form = formOf(volume.value)
  return ClaimState.Usable({
    volume: {
      ...growthOf(form, claim.value, volume.value),
      specName: volume.value.metadata.name,
      block: volume.value.spec.volumeMode === "Block",
      groups: groupsOf(volume.value),
      readOnly: false,
      ...form
    }
  })
}
