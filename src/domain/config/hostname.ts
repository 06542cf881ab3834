/** What a pod is called inside itself: hostname, domain, and the node name the kernel gets (parity E6). */
import { Result } from "effect"
import type { Pod } from "../k8s/pod.ts"
import { SandboxConfigError } from "./configError.ts"

const maxLabel = 63
const maxKernelName = 64
const dnsLabel = /^[a-z0-9]([-a-z0-9]*[a-z0-9])?$/

export interface PodHostname {
  readonly hostname: string
  /** Empty without a subdomain. */
  readonly domain: string
}

type Outcome<A> = Result.Result<A, SandboxConfigError>

const fail = (detail: string) => Result.fail(new SandboxConfigError({ detail }))

const isLabel = (text: string): boolean => text.length <= maxLabel && dnsLabel.test(text)

const labelRule = "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must " +
  "start and end with an alphanumeric character"

/** Names of pods may be longer than labels: what is cut off must not leave a dot or dash at the end. */
const truncated = (pod: Pod): Outcome<string> => {
  const name = pod.metadata.name
  if (name.length <= maxLabel) return Result.succeed(name)
  const cut = name.slice(0, maxLabel).replace(/[-.]+$/, "")
  return cut === "" ? fail(`hostname for pod "${name}" was invalid: "${name}"`) : Result.succeed(cut)
}

export const podHostname = (pod: Pod, clusterDomain: string): Outcome<PodHostname> => {
  const { hostname = "", hostnameOverride, subdomain = "" } = pod.spec
  if (hostnameOverride !== undefined) return Result.succeed({ hostname: hostnameOverride, domain: "" })
  if (hostname !== "" && !isLabel(hostname)) {
    return fail(`pod Hostname "${hostname}" is not a valid DNS label: ${labelRule}`)
  }
  if (subdomain !== "" && !isLabel(subdomain)) {
    return fail(`pod Subdomain "${subdomain}" is not a valid DNS label: ${labelRule}`)
  }
  const domain = subdomain === "" ? "" : `${subdomain}.${pod.metadata.namespace}.svc.${clusterDomain}`
  const name = hostname === "" ? truncated(pod) : Result.succeed(hostname)
  return Result.map(name, (short) => ({ hostname: short, domain }))
}

/** What `uname -n` says: the fully qualified name where the pod asks for it and the kernel has room for it. */
export const kernelHostname = (pod: Pod, { hostname, domain }: PodHostname): Outcome<string> => {
  if (pod.spec.setHostnameAsFQDN !== true || domain === "") return Result.succeed(hostname)
  const full = `${hostname}.${domain}`
  return full.length <= maxKernelName
    ? Result.succeed(full)
    : fail(
      `failed to construct FQDN from pod hostname and cluster domain, FQDN ${full} is too long ` +
        `(${maxKernelName} characters is the max, ${full.length} characters requested)`
    )
}
