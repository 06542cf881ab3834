/** Who owns the files of a volume: the pod's fsGroup (parity I10) and the user of service-account tokens (parity I7). */
import type { Container } from "../k8s/container.ts"
import type { Pod } from "../k8s/pod.ts"

const readWrite = 0o660
const readOnly = 0o440
const search = 0o110
const setGroupId = 0o2000

/** The mode a file or directory of the group has afterwards: bits are added, never taken away. */
export const groupMode = (mode: number, entry: { readonly directory: boolean; readonly readOnly: boolean }): number =>
  mode | (entry.readOnly ? readOnly : readWrite) | (entry.directory ? search | setGroupId : 0)

/** With `OnRootMismatch` a tree whose root is as it should be is left alone, however large it is. */
export const rootMatches = (
  root: { readonly mode: number; readonly gid: number },
  fsGroup: number,
  volume: { readonly readOnly: boolean }
): boolean => root.gid === fsGroup && groupMode(root.mode, { directory: true, readOnly: volume.readOnly }) === root.mode

const userOf = (pod: Pod, container: Container): number | undefined =>
  container.securityContext?.runAsUser ?? pod.spec.securityContext?.runAsUser

/** The one user that all containers run as, if every one of them says so. */
export const commonUser = (pod: Pod): number | undefined => {
  const users = new Set([...(pod.spec.initContainers ?? []), ...pod.spec.containers].map((one) => userOf(pod, one)))
  const [user] = users
  return users.size === 1 ? user : undefined
}
