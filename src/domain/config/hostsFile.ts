/** The `/etc/hosts` that every container of a pod gets (parity E5), to the byte. */
import type { HostAlias } from "../k8s/pod.ts"
import type { PodHostname } from "./hostname.ts"

const managed = "# Kubernetes-managed hosts file.\n"
const managedHostNetwork = "# Kubernetes-managed hosts file (host network).\n"

const localhost = [
  "127.0.0.1\tlocalhost",
  "::1\tlocalhost ip6-localhost ip6-loopback",
  "fe00::0\tip6-localnet",
  "fe00::0\tip6-mcastprefix",
  "fe00::1\tip6-allnodes",
  "fe00::2\tip6-allrouters",
  ""
].join("\n")

const aliasLines = (aliases: ReadonlyArray<HostAlias>): string =>
  aliases.length === 0
    ? ""
    : "\n# Entries added by HostAliases.\n" +
      aliases.map(({ ip, hostnames = [] }) => `${ip}\t${hostnames.join("\t")}\n`).join("")

export const hostsFile = (input: {
  readonly podIPs: ReadonlyArray<string>
  readonly name: PodHostname
  readonly aliases: ReadonlyArray<HostAlias>
}): string => {
  const { hostname, domain } = input.name
  const names = domain === "" ? hostname : `${hostname}.${domain}\t${hostname}`
  return managed + localhost + input.podIPs.map((ip) => `${ip}\t${names}\n`).join("") + aliasLines(input.aliases)
}

/** A pod on the host's network sees the node's own file, plus its aliases. */
export const hostNetworkHostsFile = (nodeHostsFile: string, aliases: ReadonlyArray<HostAlias>): string =>
  managedHostNetwork + nodeHostsFile + aliasLines(aliases)
