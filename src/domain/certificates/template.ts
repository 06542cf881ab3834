/** What a certificate of this node has to say, and whether one that there is says it (A11, A13). */
import type { NodeAddress } from "../k8s/node.ts"
import { nodeSigners } from "./signers.ts"

/** A certificate, read. Addresses are in their shortest form, times in milliseconds. */
export interface CertificateFacts {
  readonly commonName: string
  readonly organizations: ReadonlyArray<string>
  readonly dnsNames: ReadonlyArray<string>
  readonly ips: ReadonlyArray<string>
  readonly notBeforeMs: number
  readonly notAfterMs: number
}

export interface Template {
  readonly signerName: string
  readonly commonName: string
  readonly organization: string
  readonly dnsNames: ReadonlyArray<string>
  readonly ips: ReadonlyArray<string>
  /** As the API names them. Keys are of an elliptic curve, so that nothing is enciphered with them. */
  readonly usages: ReadonlyArray<string>
}

const subjectOf = (nodeName: string) => ({ commonName: `system:node:${nodeName}`, organization: "system:nodes" })

export const clientTemplate = (nodeName: string): Template => ({
  ...subjectOf(nodeName),
  signerName: nodeSigners.client,
  dnsNames: [],
  ips: [],
  usages: ["digital signature", "client auth"]
})

const isIp = (address: string): boolean => address.includes(":") || /^\d+(\.\d+){3}$/.test(address)

const distinct = (texts: ReadonlyArray<string>): ReadonlyArray<string> => [...new Set(texts)].sort()

/**
 * Undefined while the node has no address: nobody could reach it under a name alone, and a certificate that lacks the
 * address would be asked for a second time as soon as there is one. `allowDnsOnly` is the gate AllowDNSOnlyNodeCSR.
 */
export const servingTemplate = (
  nodeName: string,
  addresses: ReadonlyArray<NodeAddress>,
  { allowDnsOnly }: { readonly allowDnsOnly: boolean }
): Template | undefined => {
  const given = addresses.map(({ address }) => address).filter((address) => address !== "")
  const ips = distinct(given.filter(isIp))
  const dnsNames = distinct(given.filter((address) => !isIp(address)))
  if (ips.length === 0 && (!allowDnsOnly || dnsNames.length === 0)) return undefined
  return {
    ...subjectOf(nodeName),
    signerName: nodeSigners.serving,
    dnsNames,
    ips,
    usages: ["digital signature", "server auth"]
  }
}

/** Why the certificate is not the one wanted; undefined when it is. What it says beyond the template does no harm. */
export const mismatch = (facts: CertificateFacts, template: Template): string | undefined => {
  if (facts.commonName !== template.commonName) {
    return `its common name is ${facts.commonName}, not ${template.commonName}`
  }
  if (!facts.organizations.includes(template.organization)) return `it lacks the organization ${template.organization}`
  const missing = [
    ...template.dnsNames.filter((name) => !facts.dnsNames.includes(name)),
    ...template.ips.filter((ip) => !facts.ips.includes(ip))
  ]
  return missing.length === 0 ? undefined : `it lacks ${missing.join(", ")}`
}
