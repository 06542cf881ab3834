/** Where the files of a pod are on the node. Other tools know these paths too: log shippers, `crictl`, CSI drivers. */
import type { Pod } from "../k8s/pod.ts"

export const podDir = (rootDir: string, uid: string): string => `${rootDir}/pods/${uid}`

export const etcHostsPath = (rootDir: string, uid: string): string => `${podDir(rootDir, uid)}/etc-hosts`

/** Remembers the host ids of a pod with a user namespace of its own (parity E13). */
export const userNamespacePath = (rootDir: string, uid: string): string => `${podDir(rootDir, uid)}/userns`

export const containerDir = (rootDir: string, uid: string, container: string): string =>
  `${podDir(rootDir, uid)}/containers/${container}`

/** The file a container's termination message is written to; `token` (8 hex digits) sets runs apart (parity D14). */
export const terminationLogPath = (rootDir: string, uid: string, container: string, token: string): string =>
  `${containerDir(rootDir, uid, container)}/${token}`

/** All logs of a pod (parity D15). */
export const podLogDirectory = (podLogsDir: string, { metadata }: Pod): string =>
  `${podLogsDir}/${metadata.namespace}_${metadata.name}_${metadata.uid}`

/** The log of one run, below the pod's log directory. */
export const containerLogPath = (container: string, restartCount: number): string => `${container}/${restartCount}.log`

const maxFileName = 255

/** The link that log shippers follow, kept within the length of a file name. */
export const legacyLogLink = (directory: string, { metadata }: Pod, container: string, containerId: string): string => {
  const name = `${metadata.name}_${metadata.namespace}_${container}-${containerId}`
  return `${directory}/${name.slice(0, maxFileName - ".log".length)}.log`
}
