/** Certificates of a pod's own, as a projected volume shows them: what is asked for, and what an answer means (parity I9). */
import { Data } from "effect"
import type { Pod } from "../k8s/pod.ts"
import type { PodCertificateRequest } from "../k8s/podCertificateRequest.ts"
import { parseTime } from "../k8s/time.ts"
import type { PodCertificateProjection } from "../k8s/volume.ts"
import { certificatePem, pemBodies } from "./pem.ts"

export type CertificateWish = PodCertificateProjection

/** Equal for wishes that one certificate fulfils. */
export const wishKey = (uid: string, wish: CertificateWish): string => `${uid}/${JSON.stringify(wish)}`

export interface HeldCertificate {
  /** PEM. */
  readonly key: string
  /** PEM, the pod's own certificate first. */
  readonly chain: string
  readonly beginRefreshAtMs: number
}

export type CertificateAnswer = Data.TaggedEnum<{
  Pending: {}
  Issued: { readonly chain: string; readonly beginRefreshAtMs: number }
  /** For good. */
  Refused: { readonly message: string }
}>
export const CertificateAnswer = Data.taggedEnum<CertificateAnswer>()

export const answerOf = ({ status }: PodCertificateRequest, nowMs: number): CertificateAnswer => {
  for (const { message = "", reason = "", status: holds, type } of status?.conditions ?? []) {
    if (holds !== "True") continue
    if (type === "Denied" || type === "Failed") {
      const how = type.toLowerCase()
      return CertificateAnswer.Refused({
        message: `PodCertificateRequest was permanently ${how}: reason=${JSON.stringify(reason)} message=${
          JSON.stringify(message)
        }`
      })
    }
    if (type === "Issued") {
      return CertificateAnswer.Issued({
        chain: certificatePem(pemBodies(status?.certificateChain ?? "")),
        beginRefreshAtMs: parseTime(status?.beginRefreshAt ?? "") ?? nowMs
      })
    }
  }
  return CertificateAnswer.Pending()
}

export interface RequestFacts {
  readonly pod: Pod
  readonly serviceAccount: { readonly name: string; readonly uid: string }
  readonly node: { readonly name: string; readonly uid: string }
  /** Base64 of the public key (PKIX) and of the proof that the private one is held. */
  readonly publicKey: string
  readonly proof: string
}

/** The object to create. */
export const certificateRequest = (wish: CertificateWish, facts: RequestFacts) => {
  const { node, pod, proof, publicKey, serviceAccount } = facts
  const { name, namespace, uid } = pod.metadata
  return {
    apiVersion: "certificates.k8s.io/v1beta1",
    kind: "PodCertificateRequest",
    metadata: { namespace, generateName: "req-", ownerReferences: [{ apiVersion: "v1", kind: "Pod", name, uid }] },
    spec: {
      signerName: wish.signerName ?? "",
      podName: name,
      podUID: uid,
      serviceAccountName: serviceAccount.name,
      serviceAccountUID: serviceAccount.uid,
      nodeName: node.name,
      nodeUID: node.uid,
      ...(wish.maxExpirationSeconds === undefined ? {} : { maxExpirationSeconds: wish.maxExpirationSeconds }),
      pkixPublicKey: publicKey,
      proofOfPossession: proof,
      ...(wish.userAnnotations === undefined ? {} : { unverifiedUserAnnotations: wish.userAnnotations })
    }
  }
}

/** By path: the key and its chain in one file, or each in its own. */
export const certificateFiles = (
  wish: CertificateWish,
  { chain, key }: Pick<HeldCertificate, "chain" | "key">
): ReadonlyMap<string, string> =>
  new Map(
    [[wish.credentialBundlePath, `${key}${chain}`], [wish.keyPath, key], [wish.certificateChainPath, chain]].flatMap(
      ([path = "", text = ""]) => path === "" ? [] : [[path, text] as const]
    )
  )
