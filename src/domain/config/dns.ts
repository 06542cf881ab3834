/** The resolver configuration of a pod (parity E4). */
import type { Pod, PodDNSConfig } from "../k8s/pod.ts"
import { type ConfigWarning, podText } from "./configError.ts"
import type { DnsSettings } from "./nodeSettings.ts"
import { parseResolvConf, type ResolvConf } from "./resolvConf.ts"

const maxServers = 3
const maxSearches = 32
const maxSearchChars = 2048
const clusterOptions = ["ndots:5"]

type Source = "none" | "cluster" | "host"

const sourceOf = ({ spec }: Pod): Source => {
  switch (spec.dnsPolicy ?? "ClusterFirst") {
    case "None":
      return "none"
    case "ClusterFirstWithHostNet":
      return "cluster"
    case "ClusterFirst":
      return spec.hostNetwork === true ? "host" : "cluster"
    default:
      return "host"
  }
}

const distinct = (items: ReadonlyArray<string>): ReadonlyArray<string> => [...new Set(items)]

const fromHost = ({ hostResolvConf }: DnsSettings, hostIPs: ReadonlyArray<string>): ResolvConf => {
  if (hostResolvConf !== undefined) return parseResolvConf(hostResolvConf)
  // No resolver file by configuration: point at nothing, or the runtime would put in the host's own.
  const servers = hostIPs.map((ip) => ip.includes(":") ? "::1" : "127.0.0.1")
  return { servers: servers.length === 0 ? ["127.0.0.1"] : distinct(servers), searches: ["."], options: [] }
}

const fromCluster = (pod: Pod, settings: DnsSettings): ResolvConf => {
  const { domain } = settings
  const hostSearches = parseResolvConf(settings.hostResolvConf ?? "").searches
  const own = domain === "" ? [] : [`${pod.metadata.namespace}.svc.${domain}`, `svc.${domain}`, domain]
  return { servers: settings.servers, searches: distinct([...own, ...hostSearches]), options: clusterOptions }
}

const missingClusterDns = (pod: Pod): ConfigWarning => ({
  reason: "MissingClusterDNS",
  message: `pod: "${podText(pod)}". kubelet does not have ClusterDNS IP configured and cannot create Pod using ` +
    "\"ClusterFirst\" policy. Falling back to \"Default\" policy."
})

const mergedOptions = (base: ReadonlyArray<string>, config: PodDNSConfig): ReadonlyArray<string> => {
  const values = new Map<string, string>()
  for (const option of base) {
    const colon = option.indexOf(":")
    values.set(colon === -1 ? option : option.slice(0, colon), colon === -1 ? "" : option.slice(colon + 1))
  }
  for (const { name, value } of config.options ?? []) if (name !== undefined) values.set(name, value ?? "")
  return [...values].map(([name, value]) => value === "" ? name : `${name}:${value}`)
}

const merged = (base: ResolvConf, config: PodDNSConfig | undefined): ResolvConf =>
  config === undefined ? base : {
    servers: distinct([...base.servers, ...(config.nameservers ?? [])]),
    searches: distinct([...base.searches, ...(config.searches ?? [])]),
    options: mergedOptions(base.options, config)
  }

/** As many searches as fit: a count, and the length of their line. */
const fittingSearches = (searches: ReadonlyArray<string>): ReadonlyArray<string> => {
  const few = searches.slice(0, maxSearches)
  const line = few.join(" ")
  if (line.length <= maxSearchChars) return few
  const room = line.slice(0, maxSearchChars + 1)
  return room.slice(0, Math.max(0, room.lastIndexOf(" "))).split(" ").filter((search) => search !== "")
}

const fitted = (dns: ResolvConf): { readonly dns: ResolvConf; readonly warnings: ReadonlyArray<ConfigWarning> } => {
  const servers = dns.servers.slice(0, maxServers)
  const searches = fittingSearches(dns.searches)
  const messages = [
    ...(servers.length === dns.servers.length ? [] : [
      `Nameserver limits were exceeded, some nameservers have been omitted, the applied nameserver line is: ${
        servers.join(" ")
      }`
    ]),
    ...(searches.length === dns.searches.length ? [] : [
      `Search Line limits were exceeded, some search paths have been omitted, the applied search line is: ${
        searches.join(" ")
      }`
    ])
  ]
  return {
    dns: { servers, searches, options: dns.options },
    warnings: messages.map((message) => ({ reason: "DNSConfigForming", message }))
  }
}

/** Servers, searches and options of a pod's sandbox, and what users should know about them. */
export const podDns = (
  pod: Pod,
  settings: DnsSettings,
  hostIPs: ReadonlyArray<string>
): { readonly dns: ResolvConf; readonly warnings: ReadonlyArray<ConfigWarning> } => {
  const wanted = sourceOf(pod)
  const fallBack = wanted === "cluster" && settings.servers.length === 0
  const source = fallBack ? "host" : wanted
  const base = source === "none"
    ? { servers: [], searches: [], options: [] }
    : source === "cluster"
    ? fromCluster(pod, settings)
    : fromHost(settings, hostIPs)
  const { dns, warnings } = fitted(merged(base, pod.spec.dnsConfig))
  return { dns, warnings: fallBack ? [missingClusterDns(pod), ...warnings] : warnings }
}
