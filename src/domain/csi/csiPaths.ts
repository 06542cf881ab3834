/** Names and places of CSI volumes, as the kubelet has them: drivers and an older kubelet know them (parity J3). */
import { plugins, podsDir } from "../volumes/volumePaths.ts"
import { sha256Hex } from "./sha256.ts"

export const dataFile = "vol_data.json"

/** What an agent leaves that is killed while it writes the data. */
export const isUnfinishedData = (name: string): boolean => name.startsWith(`.${dataFile}.`)

export const csiDir = (rootDir: string): string => `${rootDir}/plugins/${plugins.csi}`

/** One persistent volume of a driver. */
export interface CsiIdentity {
  readonly driver: string
  readonly handle: string
}

/** Holds `globalmount` and the data of a volume that is staged once for all its pods. */
export const globalDir = (rootDir: string, { driver, handle }: CsiIdentity): string =>
  `${csiDir(rootDir)}/${driver}/${sha256Hex(handle)}`

export const stagingPathIn = (directory: string): string => `${directory}/globalmount`

/** Where kubelets up to 1.23 staged. */
export const oldGlobalDir = (rootDir: string, volumeName: string): string => `${csiDir(rootDir)}/pv/${volumeName}`

/** Below the pod's folder of the volume; the driver makes the last directory itself. */
export const publishPathIn = (podVolumePath: string): string => `${podVolumePath}/mount`

export const podVolumePath = (rootDir: string, uid: string, specName: string): string =>
  `${podsDir(rootDir)}/${uid}/volumes/kubernetes.io~csi/${specName}`

export const podDevicePath = (rootDir: string, uid: string, specName: string): string =>
  `${podsDir(rootDir)}/${uid}/volumeDevices/kubernetes.io~csi/${specName}`

/** Of a raw block volume. */
export const blockPaths = (rootDir: string, specName: string) => {
  const base = `${csiDir(rootDir)}/volumeDevices`
  return {
    staging: `${base}/staging/${specName}`,
    publishDir: `${base}/publish/${specName}`,
    own: `${base}/${specName}`,
    data: `${base}/${specName}/data`
  }
}

/** The handle of a volume that lives and dies with its pod (parity J6). */
export const inlineHandle = (podUid: string, volumeName: string): string => `csi-${sha256Hex(`${podUid}${volumeName}`)}`

/** The VolumeAttachment that the attach controller makes for a volume on a node. */
export const attachmentName = ({ driver, handle }: CsiIdentity, nodeName: string): string =>
  `csi-${sha256Hex(`${handle}${driver}${nodeName}`)}`

/** In `volumesInUse` and `volumesAttached` of a node. */
export const uniqueName = ({ driver, handle }: CsiIdentity): string => `${plugins.csi}/${driver}^${handle}`
