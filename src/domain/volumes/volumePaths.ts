/**
 * Where volumes lie below the agent's root directory, and which names may become part of a path. The layout is the
 * kubelet's: CSI drivers, log shippers and backup tools know it.
 */

/** The names of the plugins, as they stand in directories with `/` written `~`. */
export const plugins = {
  emptyDir: "kubernetes.io/empty-dir",
  hostPath: "kubernetes.io/host-path",
  secret: "kubernetes.io/secret",
  configMap: "kubernetes.io/configmap",
  downwardAPI: "kubernetes.io/downward-api",
  projected: "kubernetes.io/projected",
  local: "kubernetes.io/local-volume",
  nfs: "kubernetes.io/nfs",
  csi: "kubernetes.io/csi",
  image: "kubernetes.io/image"
} as const

export type PluginName = (typeof plugins)[keyof typeof plugins]

export const escapePlugin = (plugin: string): string => plugin.replaceAll("/", "~")
export const unescapePlugin = (name: string): string => name.replaceAll("~", "/")

/**
 * One component of a path and nothing that leads out of it. The API server grants this; a manifest on disk does not.
 */
export const isSafeName = (name: string): boolean =>
  name !== "" && name !== "." && name !== ".." && !/[/\0]/.test(name) && name.length <= 253

export const podsDir = (rootDir: string): string => `${rootDir}/pods`
export const podDir = (rootDir: string, uid: string): string => `${rootDir}/pods/${uid}`
export const volumesDir = (rootDir: string, uid: string): string => `${podDir(rootDir, uid)}/volumes`
export const blockDevicesDir = (rootDir: string, uid: string): string => `${podDir(rootDir, uid)}/volumeDevices`
export const subPathsDir = (rootDir: string, uid: string): string => `${podDir(rootDir, uid)}/volume-subpaths`
export const pluginsDir = (rootDir: string, uid: string): string => `${podDir(rootDir, uid)}/plugins`

export interface VolumePlace {
  readonly rootDir: string
  readonly uid: string
  readonly plugin: string
  /** The volume's name in the pod, or that of the PersistentVolume behind it. */
  readonly specName: string
}

export const volumePath = ({ plugin, rootDir, specName, uid }: VolumePlace): string =>
  `${volumesDir(rootDir, uid)}/${escapePlugin(plugin)}/${specName}`

/** The link to the device of a block volume (parity I17). */
export const blockDevicePath = ({ plugin, rootDir, specName, uid }: VolumePlace): string =>
  `${blockDevicesDir(rootDir, uid)}/${escapePlugin(plugin)}/${specName}`

/**
 * Says that a directory was set up to the end: its mode and owner are the pod's to change from then on. Volumes that
 * wrap an emptyDir have a marker of their own.
 */
export const readyMarker = ({ rootDir, specName, uid }: VolumePlace, wrapped: boolean): string =>
  `${pluginsDir(rootDir, uid)}/${escapePlugin(plugins.emptyDir)}/${wrapped ? "wrapped_" : ""}${specName}/ready`

export const subPathTarget = (
  rootDir: string,
  uid: string,
  mount: { readonly specName: string; readonly container: string; readonly index: number }
): string => `${subPathsDir(rootDir, uid)}/${mount.specName}/${mount.container}/${mount.index}`

export const isWithin = (path: string, base: string): boolean => path === base || path.startsWith(`${base}/`)

/** Mount points at or below a path, the innermost and newest first: the order to take them down in. */
export const mountsToRemove = (
  mounts: ReadonlyArray<{ readonly mountPoint: string }>,
  path: string
): ReadonlyArray<string> =>
  mounts
    .map(({ mountPoint }, index) => ({ mountPoint, index }))
    .filter(({ mountPoint }) => isWithin(mountPoint, path))
    .sort((one, other) =>
      other.mountPoint.split("/").length - one.mountPoint.split("/").length || other.index - one.index
    )
    .map(({ mountPoint }) => mountPoint)
