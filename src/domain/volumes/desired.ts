/** What a pod's volumes are to the agent: one form for all sources, whether named in the pod or behind a claim. */
import { Data, Result } from "effect"
import type { Growth } from "../csi/expansion.ts"
import { translateInline } from "../csi/translation.ts"
import type { Container } from "../k8s/container.ts"
import type { Pod } from "../k8s/pod.ts"
import type { CSIPersistentVolumeSource } from "../k8s/storage.ts"
import type {
  CSIVolumeSource,
  DownwardAPIVolumeFile,
  KeysProjection,
  KeyToPath,
  Volume,
  VolumeProjection
} from "../k8s/volume.ts"
import { valueOfText } from "../resources/quantity.ts"
import type { ClaimState } from "./claims.ts"
import type { CertificateWish } from "./podCertificates.ts"
import type { TrustWish } from "./trustBundles.ts"
import { isSafeName, type PluginName, plugins } from "./volumePaths.ts"

export type ContentSource = Data.TaggedEnum<{
  Secret: { readonly name: string; readonly items: ReadonlyArray<KeyToPath> | undefined; readonly optional: boolean }
  ConfigMap: { readonly name: string; readonly items: ReadonlyArray<KeyToPath> | undefined; readonly optional: boolean }
  Downward: { readonly items: ReadonlyArray<DownwardAPIVolumeFile> }
  Token: { readonly audience: string; readonly expirationSeconds: number; readonly path: string }
  Trust: TrustWish & { readonly optional: boolean; readonly path: string }
  Certificate: { readonly wish: CertificateWish }
  Unsupported: { readonly message: string; readonly optional: boolean }
}>
export const ContentSource = Data.taggedEnum<ContentSource>()

export type VolumeSource = Data.TaggedEnum<{
  EmptyDir: { readonly medium: string; readonly sizeLimitBytes: number | undefined }
  HostPath: { readonly path: string; readonly type: string }
  /** Files made by the agent. `inMemory`: never on a disk. */
  Content: { readonly sources: ReadonlyArray<ContentSource>; readonly defaultMode: number; readonly inMemory: boolean }
  /** A directory or device of the node behind a PersistentVolume. */
  Local: { readonly path: string; readonly fsType: string; readonly mountOptions: ReadonlyArray<string> }
  Nfs: { readonly server: string; readonly path: string; readonly mountOptions: ReadonlyArray<string> }
  /** A persistent volume of a CSI driver. */
  Csi: {
    readonly source: CSIPersistentVolumeSource
    readonly volumeName: string
    readonly accessModes: ReadonlyArray<string>
    readonly mountOptions: ReadonlyArray<string>
  }
  /** A volume that a CSI driver makes for this pod alone. */
  CsiInline: { readonly source: CSIVolumeSource }
  /** Mounted by the runtime from an image. */
  Image: {}
  Unsupported: { readonly message: string }
}>
export const VolumeSource = Data.taggedEnum<VolumeSource>()

export interface DesiredVolume {
  /** In the pod. */
  readonly name: string
  /** The claim it goes through, if it does. */
  readonly claimName?: string
  /** In paths and messages: that of the PersistentVolume, where there is one. */
  readonly specName: string
  readonly plugin: PluginName
  readonly source: VolumeSource
  readonly readOnly: boolean
  readonly block: boolean
  /** Groups the volume's own annotation asks for. */
  readonly groups: ReadonlyArray<number>
  /** Of a volume that may grow while it is used. */
  readonly growth?: Growth
}

/** A volume that cannot be told what it is yet, or never. */
export interface UnprocessedVolume {
  readonly name: string
  readonly message: string
}

export interface Desired {
  readonly volumes: ReadonlyArray<DesiredVolume>
  readonly unprocessed: ReadonlyArray<UnprocessedVolume>
  /** Names whose claims have not been read yet. */
  readonly pending: ReadonlyArray<string>
  /** Claims to be read, for the first time or again. */
  readonly unread: ReadonlyArray<ClaimUse>
  /** Claims whose volumes are usable and may grow: to be looked at now and then. */
  readonly growing: ReadonlyArray<ClaimUse>
}

export interface ClaimUse {
  readonly claimName: string
  /** It has to be one that was made for this pod. */
  readonly ephemeral: boolean
}

const defaultFileMode = 0o644
const defaultTokenSeconds = 3600

export const allContainers = (pod: Pod): ReadonlyArray<Container> => [
  ...(pod.spec.initContainers ?? []),
  ...pod.spec.containers,
  ...(pod.spec.ephemeralContainers ?? [])
]

/** Volumes that some container mounts or maps; others are never made. */
export const usedVolumes = (
  pod: Pod
): { readonly mounts: ReadonlySet<string>; readonly devices: ReadonlySet<string> } => ({
  mounts: new Set(allContainers(pod).flatMap(({ volumeMounts = [] }) => volumeMounts.map(({ name }) => name))),
  devices: new Set(allContainers(pod).flatMap(({ volumeDevices = [] }) => volumeDevices.map(({ name }) => name)))
})

/** The claim a volume goes through, if it does. Generic ephemeral volumes have one of a fixed name. */
export const claimNameOf = (pod: Pod, volume: Volume): string | undefined =>
  volume.persistentVolumeClaim?.claimName ??
    (volume.ephemeral === undefined ? undefined : `${pod.metadata.name}-${volume.name}`)

const keys = (source: KeysProjection) => ({
  name: source.name ?? "",
  items: source.items,
  optional: source.optional ?? false
})

const tokenSource = (wish: NonNullable<VolumeProjection["serviceAccountToken"]>): ContentSource =>
  ContentSource.Token({
    audience: wish.audience ?? "",
    expirationSeconds: wish.expirationSeconds ?? defaultTokenSeconds,
    path: wish.path
  })

const trustSource = (wish: NonNullable<VolumeProjection["clusterTrustBundle"]>): ContentSource => {
  const { labelSelector, name, optional = false, path, signerName } = wish
  return name === undefined && signerName === undefined
    ? ContentSource.Unsupported({
      message: "ClusterTrustBundle projection requires either name or signerName to be set",
      optional: false
    })
    : ContentSource.Trust({ name, signerName, labelSelector, optional, path })
}

const projection = (source: VolumeProjection): ReadonlyArray<ContentSource> => [
  ...(source.secret === undefined ? [] : [ContentSource.Secret(keys(source.secret))]),
  ...(source.configMap === undefined ? [] : [ContentSource.ConfigMap(keys(source.configMap))]),
  ...(source.downwardAPI === undefined ? [] : [ContentSource.Downward({ items: source.downwardAPI.items ?? [] })]),
  ...(source.serviceAccountToken === undefined ? [] : [tokenSource(source.serviceAccountToken)]),
  ...(source.clusterTrustBundle === undefined ? [] : [trustSource(source.clusterTrustBundle)]),
  ...(source.podCertificate === undefined ? [] : [ContentSource.Certificate({ wish: source.podCertificate })])
]

interface Form {
  readonly plugin: PluginName
  readonly source: VolumeSource
  readonly readOnly?: boolean
}

const content = (
  plugin: PluginName,
  sources: ReadonlyArray<ContentSource>,
  defaultMode: number | undefined,
  inMemory: boolean
): Form => ({
  plugin,
  source: VolumeSource.Content({ sources, defaultMode: defaultMode ?? defaultFileMode, inMemory }),
  readOnly: true
})

/** Volumes whose content the agent itself writes. */
const contentForm = (volume: Volume): Form | undefined => {
  if (volume.secret !== undefined) {
    const { defaultMode, items, optional = false, secretName = "" } = volume.secret
    return content(plugins.secret, [ContentSource.Secret({ name: secretName, items, optional })], defaultMode, true)
  }
  if (volume.configMap !== undefined) {
    const { defaultMode, items, name = "", optional = false } = volume.configMap
    return content(plugins.configMap, [ContentSource.ConfigMap({ name, items, optional })], defaultMode, false)
  }
  if (volume.downwardAPI !== undefined) {
    const { defaultMode, items = [] } = volume.downwardAPI
    return content(plugins.downwardAPI, [ContentSource.Downward({ items })], defaultMode, true)
  }
  if (volume.projected !== undefined) {
    const { defaultMode, sources = [] } = volume.projected
    return content(plugins.projected, sources.flatMap(projection), defaultMode, true)
  }
  return undefined
}

/** Keys of a volume that are no source of ours, for a message that names it. */
const foreignSource = (volume: Volume): string => Object.keys(volume).find((key) => key !== "name") ?? "unknown"

const inlineForm = (volume: Volume): Form => {
  const made = contentForm(volume)
  if (made !== undefined) return made
  if (volume.hostPath !== undefined) {
    const { path, type = "" } = volume.hostPath
    return { plugin: plugins.hostPath, source: VolumeSource.HostPath({ path, type }) }
  }
  if (volume.nfs !== undefined) {
    const { path, readOnly = false, server } = volume.nfs
    return { plugin: plugins.nfs, source: VolumeSource.Nfs({ server, path, mountOptions: [] }), readOnly }
  }
  if (volume.csi !== undefined) {
    return {
      plugin: plugins.csi,
      source: VolumeSource.CsiInline({ source: volume.csi }),
      readOnly: volume.csi.readOnly ?? false
    }
  }
  if (volume.image !== undefined) return { plugin: plugins.image, source: VolumeSource.Image(), readOnly: true }
  // A volume without any source is an emptyDir.
  if (volume.emptyDir !== undefined || Object.keys(volume).length === 1) {
    const { medium = "", sizeLimit } = volume.emptyDir ?? {}
    const sizeLimitBytes = sizeLimit === undefined ? undefined : valueOfText(sizeLimit)
    return { plugin: plugins.emptyDir, source: VolumeSource.EmptyDir({ medium, sizeLimitBytes }) }
  }
  return {
    plugin: plugins.emptyDir,
    source: VolumeSource.Unsupported({ message: `no volume plugin matched: ${foreignSource(volume)}` })
  }
}

/** A disk that a pod names itself is served by the driver that took its kind over, as if a claim led to it. */
const translatedForm = (volume: Volume, namespace: string): Form & { readonly specName?: string } | undefined => {
  const translated = translateInline(volume, namespace)
  if (translated === undefined) return undefined
  const message = Result.isFailure(translated)
    ? translated.failure
    : isSafeName(translated.success.name)
    ? undefined
    : `invalid volume name "${translated.success.name}"`
  if (Result.isFailure(translated) || message !== undefined) {
    return { plugin: plugins.csi, source: VolumeSource.Unsupported({ message: message ?? "" }) }
  }
  const { accessModes, name, source } = translated.success
  return {
    plugin: plugins.csi,
    specName: name,
    source: VolumeSource.Csi({ source, volumeName: name, accessModes, mountOptions: [] }),
    readOnly: source.readOnly ?? false
  }
}

const inlineVolume = (volume: Volume, namespace: string): DesiredVolume => ({
  name: volume.name,
  specName: volume.name,
  block: false,
  groups: [],
  readOnly: false,
  ...(translatedForm(volume, namespace) ?? inlineForm(volume))
})

type Resolved = DesiredVolume | UnprocessedVolume | "unread"

/** A claim that is used as something other than what it is does not become so by waiting, but its pod may not start. */
const modeClash = (name: string, block: boolean): UnprocessedVolume => {
  const [is, where] = block ? ["Block", "volumeMounts"] : ["Filesystem", "volumeDevices"]
  return { name, message: `volume ${name} has volumeMode ${is}, but is specified in ${where}` }
}

const claimed = (volume: Volume, claimName: string, claim: ClaimState, mounted: boolean): Resolved => {
  const { name } = volume
  if (claim._tag === "Unusable") return { name, message: claim.message }
  if (claim.volume.block === mounted) return modeClash(name, claim.volume.block)
  const readOnly = claim.volume.readOnly || (volume.persistentVolumeClaim?.readOnly ?? false)
  return { ...claim.volume, name, claimName, readOnly }
}

/** `claims`: by name of the claim; absent ones have not been read yet. */
export const desiredVolumes = (pod: Pod, claims: ReadonlyMap<string, ClaimState>): Desired => {
  const used = usedVolumes(pod)
  const volumes: Array<DesiredVolume> = []
  const unprocessed: Array<UnprocessedVolume> = []
  const pending: Array<string> = []
  const unread = new Map<string, ClaimUse>()
  const growing = new Map<string, ClaimUse>()
  const resolve = (volume: Volume): Resolved => {
    const { name } = volume
    if (!isSafeName(name)) return { name, message: `invalid volume name "${name}"` }
    const claimName = claimNameOf(pod, volume)
    if (claimName === undefined) return inlineVolume(volume, pod.metadata.namespace)
    const claim = claims.get(claimName)
    const use = { claimName, ephemeral: volume.ephemeral !== undefined }
    if (claim?._tag !== "Usable") unread.set(claimName, use)
    else if (claim.volume.growth !== undefined) growing.set(claimName, use)
    return claim === undefined ? "unread" : claimed(volume, claimName, claim, used.mounts.has(name))
  }
  for (const volume of pod.spec.volumes ?? []) {
    if (!used.mounts.has(volume.name) && !used.devices.has(volume.name)) continue
    const resolved = resolve(volume)
    if (resolved === "unread") pending.push(volume.name)
    else if ("source" in resolved) volumes.push(resolved)
    else unprocessed.push(resolved)
  }
  return { volumes, unprocessed, pending, unread: [...unread.values()], growing: [...growing.values()] }
}
