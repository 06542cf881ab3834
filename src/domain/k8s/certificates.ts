/** Certificate requests, cluster trust bundles and pod certificate requests. */
import { Schema } from "effect"
import { list, num, optional, str, stringMap, strings, time } from "./fields.ts"
import { Condition, ObjectMeta } from "./meta.ts"

export const CertificateSigningRequestCondition = Schema.Struct({
  type: Schema.String,
  status: str,
  reason: str,
  message: str,
  lastUpdateTime: time,
  lastTransitionTime: time
})

export const CertificateSigningRequest = Schema.Struct({
  apiVersion: str,
  kind: str,
  metadata: ObjectMeta,
  spec: Schema.Struct({
    /** Base64 of the PEM request. */
    request: Schema.String,
    signerName: Schema.String,
    expirationSeconds: num,
    usages: strings,
    username: str,
    uid: str,
    groups: strings
  }),
  status: optional(Schema.Struct({
    conditions: list(CertificateSigningRequestCondition),
    /** Base64 of the PEM chain. */
    certificate: str
  }))
})
export interface CertificateSigningRequest extends Schema.Schema.Type<typeof CertificateSigningRequest> {}

export const ClusterTrustBundle = Schema.Struct({
  apiVersion: str,
  kind: str,
  metadata: ObjectMeta,
  spec: Schema.Struct({ signerName: str, trustBundle: Schema.String })
})
export interface ClusterTrustBundle extends Schema.Schema.Type<typeof ClusterTrustBundle> {}

export const PodCertificateRequest = Schema.Struct({
  apiVersion: str,
  kind: str,
  metadata: ObjectMeta,
  spec: Schema.Struct({
    signerName: Schema.String,
    podName: Schema.String,
    podUID: Schema.String,
    serviceAccountName: Schema.String,
    serviceAccountUID: Schema.String,
    nodeName: Schema.String,
    nodeUID: Schema.String,
    maxExpirationSeconds: num,
    pkixPublicKey: str,
    proofOfPossession: str,
    unverifiedUserAnnotations: stringMap
  }),
  status: optional(Schema.Struct({
    conditions: list(Condition),
    certificateChain: str,
    notBefore: time,
    beginRefreshAt: time,
    notAfter: time
  }))
})
export interface PodCertificateRequest extends Schema.Schema.Type<typeof PodCertificateRequest> {}
