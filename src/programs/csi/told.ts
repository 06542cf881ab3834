/** A volume of a pod as its driver is told of it: the same form for claims and for volumes of the pod's own. */
import { type CsiIdentity, inlineHandle } from "../../domain/csi/csiPaths.ts"
import type { LifecycleMode } from "../../domain/csi/driverRules.ts"
import type { CsiVolumeFacts } from "../../domain/csi/requests.ts"
import type { Pod } from "../../domain/k8s/pod.ts"
import type { DesiredVolume } from "../../domain/volumes/desired.ts"
import type { SecretReference } from "./csiInputs.ts"

export interface Told {
  readonly driver: string
  readonly mode: LifecycleMode
  readonly facts: CsiVolumeFacts
  readonly stageSecret: SecretReference | undefined
  readonly publishSecret: SecretReference | undefined
  readonly expandSecret: SecretReference | undefined
}

export interface OfPod {
  readonly pod: Pod
  /** Its source is `Csi` or `CsiInline`. */
  readonly volume: DesiredVolume
}

const inlineTold = ({ pod, volume }: OfPod, source: DesiredVolume["source"] & { _tag: "CsiInline" }): Told => {
  const { driver, fsType = "", nodePublishSecretRef, volumeAttributes = {} } = source.source
  return {
    driver,
    mode: "Ephemeral",
    facts: {
      handle: inlineHandle(pod.metadata.uid, volume.name),
      block: volume.block,
      readOnly: volume.readOnly,
      fsType,
      mountOptions: [],
      accessMode: "ReadWriteOnce",
      attributes: volumeAttributes
    },
    stageSecret: undefined,
    expandSecret: undefined,
    // The secret of a pod's own volume is the pod's own.
    publishSecret: { name: nodePublishSecretRef?.name, namespace: pod.metadata.namespace }
  }
}

export const toldOf = (of: OfPod): Told => {
  const { block, name, readOnly, source } = of.volume
  if (source._tag === "CsiInline") return inlineTold(of, source)
  if (source._tag !== "Csi") throw new Error(`volume ${name} is of no CSI driver`)
  const { driver, fsType = "", volumeAttributes = {}, volumeHandle } = source.source
  const [accessMode = "ReadWriteOnce"] = source.accessModes
  return {
    driver,
    mode: "Persistent",
    facts: {
      handle: volumeHandle,
      block,
      readOnly,
      fsType,
      mountOptions: source.mountOptions,
      accessMode,
      attributes: volumeAttributes
    },
    stageSecret: source.source.nodeStageSecretRef,
    publishSecret: source.source.nodePublishSecretRef,
    expandSecret: source.source.nodeExpandSecretRef
  }
}

export const identityOf = ({ driver, facts }: Told): CsiIdentity => ({ driver, handle: facts.handle })

export const fsGroupOf = ({ pod }: OfPod): number | undefined => pod.spec.securityContext?.fsGroup
