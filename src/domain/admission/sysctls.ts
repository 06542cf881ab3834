/**
 * Which kernel parameters a pod may set (parity C9): those known to touch nothing but the pod, and those that the node's
 * administrator allows on top, as long as the kernel keeps them apart by namespace.
 */
import type { Pod } from "../k8s/pod.ts"

type Namespace = "ipc" | "net"

/** Safe everywhere, or from the kernel version on in which they became namespaced. */
const safe: ReadonlyMap<string, string | undefined> = new Map([
  ["kernel.shm_rmid_forced", undefined],
  ["net.ipv4.ip_local_port_range", undefined],
  ["net.ipv4.tcp_syncookies", undefined],
  ["net.ipv4.ping_group_range", undefined],
  ["net.ipv4.ip_unprivileged_port_start", undefined],
  ["net.ipv4.ip_local_reserved_ports", "3.16"],
  ["net.ipv4.tcp_keepalive_time", "4.5"],
  ["net.ipv4.tcp_fin_timeout", "4.6"],
  ["net.ipv4.tcp_keepalive_intvl", "4.5"],
  ["net.ipv4.tcp_keepalive_probes", "4.5"],
  ["net.ipv4.tcp_rmem", "4.15"],
  ["net.ipv4.tcp_wmem", "4.15"]
])

/** `net/ipv4/conf/eth0.1/forwarding` is `net.ipv4.conf.eth0/1.forwarding`: the first separator decides the form. */
export const dotted = (name: string): string => {
  const separator = /[./]/.exec(name)?.[0]
  return separator === "/" ? name.replace(/[./]/g, (found) => found === "/" ? "." : "/") : name
}

const namespaceOf = (name: string): Namespace | undefined => {
  if (name.startsWith("net.")) return "net"
  return name === "kernel.sem" || ["kernel.shm", "kernel.msg", "fs.mqueue."].some((prefix) => name.startsWith(prefix))
    ? "ipc"
    : undefined
}

const versionParts = (version: string): ReadonlyArray<number> =>
  (/^(\d+)\.(\d+)/.exec(version) ?? []).slice(1).map(Number)

/** A kernel whose version cannot be read is taken for an old one. */
const isAtLeast = (kernel: string, wanted: string): boolean => {
  const [major = 0, minor = 0] = versionParts(kernel)
  const [wantedMajor = 0, wantedMinor = 0] = versionParts(wanted)
  return major > wantedMajor || (major === wantedMajor && minor >= wantedMinor)
}

export interface SysctlRules {
  readonly kernelVersion: string
  /** Names, or prefixes that end in `*`. */
  readonly allowedUnsafe: ReadonlyArray<string>
}

const isAllowed = (name: string, rules: SysctlRules): boolean => {
  if (safe.has(name)) {
    const since = safe.get(name)
    if (since === undefined || isAtLeast(rules.kernelVersion, since)) return true
  }
  return rules.allowedUnsafe.map(dotted).some((pattern) =>
    pattern.endsWith("*") ? name.startsWith(pattern.slice(0, -1)) : name === pattern
  )
}

/** What users read of the first parameter that is refused. */
export const sysctlComplaint = (pod: Pod, rules: SysctlRules): string | undefined => {
  for (const { name } of pod.spec.securityContext?.sysctls ?? []) {
    const plain = dotted(name)
    const namespace = namespaceOf(plain)
    const quoted = JSON.stringify(plain)
    if (namespace === undefined || !isAllowed(plain, rules)) return `forbidden sysctl: ${quoted} not allowlisted`
    const shared = namespace === "net" ? pod.spec.hostNetwork === true : pod.spec.hostIPC === true
    if (shared) return `forbidden sysctl: ${quoted} not allowed with host ${namespace} enabled`
  }
  return undefined
}
