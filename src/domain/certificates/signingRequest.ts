/** A CertificateSigningRequest as the node makes it, and what has become of one. */
import { Data } from "effect"
import { sha256Hex } from "../csi/sha256.ts"
import { at, objectsOf, textOf } from "../k8s/json.ts"
import type { Template } from "./template.ts"

export type Verdict = Data.TaggedEnum<{
  Pending: {}
  /** `certificate` is base64 of PEM. */
  Issued: { readonly certificate: string }
  Denied: { readonly reason: string; readonly message: string }
  /** The signer could not or would not sign what was approved. */
  Failed: { readonly reason: string; readonly message: string }
}>
export const Verdict = Data.taggedEnum<Verdict>()

/**
 * Signers before 1.27 sign nothing for nodes that does not say `key encipherment`, which keys of an elliptic curve cannot
 * do; later ones take both. `version` is what the server says at `/version`.
 */
export const usagesFor = ({ usages }: Template, version: unknown): ReadonlyArray<string> => {
  const minor = Number.parseInt(textOf(at(version, "minor")), 10)
  return textOf(at(version, "major")) === "1" && minor < 27 ? [...usages, "key encipherment"] : usages
}

export interface RequestContent {
  readonly template: Template
  readonly usages: ReadonlyArray<string>
  /** PKCS #10 in PEM, as base64. */
  readonly request: string
  /** Absent: the server makes one up. */
  readonly name?: string
}

export const signingRequest = ({ name, request, template, usages }: RequestContent) => ({
  apiVersion: "certificates.k8s.io/v1",
  kind: "CertificateSigningRequest",
  metadata: name === undefined ? { generateName: "csr-" } : { name },
  spec: { request, signerName: template.signerName, usages }
})

export const verdictOf = (object: unknown): Verdict => {
  const conditions = objectsOf(at(object, "status", "conditions"))
  for (const condition of conditions) {
    const said = { reason: textOf(condition["reason"]), message: textOf(condition["message"]) }
    if (condition["type"] === "Denied") return Verdict.Denied(said)
    if (condition["type"] === "Failed") return Verdict.Failed(said)
  }
  const certificate = textOf(at(object, "status", "certificate"))
  // Whoever may write a status is not yet whoever may approve.
  return certificate !== "" && conditions.some((condition) => condition["type"] === "Approved")
    ? Verdict.Issued({ certificate })
    : Verdict.Pending()
}

/**
 * A name that follows from the key and the wish: a node that starts anew finds what it asked for before, and asks anew
 * for what has changed.
 */
export const requestName = (fingerprint: string, template: Template): string => {
  const { commonName, dnsNames, ips, organization, usages } = template
  return `node-csr-${sha256Hex(JSON.stringify([fingerprint, commonName, organization, usages, dnsNames, ips]))}`
}
