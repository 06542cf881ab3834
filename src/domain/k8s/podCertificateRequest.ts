/** A node's request for a certificate that one of its pods shows (KEP-4317). */
import { Schema } from "effect"
import { list, str, time } from "./fields.ts"
import { Condition, ObjectMeta } from "./meta.ts"

export const PodCertificateRequest = Schema.Struct({
  apiVersion: str,
  kind: str,
  metadata: ObjectMeta,
  spec: Schema.Struct({ signerName: Schema.String }),
  status: Schema.optionalKey(Schema.Struct({
    conditions: list(Condition),
    certificateChain: str,
    notBefore: time,
    beginRefreshAt: time,
    notAfter: time
  }))
})
export interface PodCertificateRequest extends Schema.Schema.Type<typeof PodCertificateRequest> {}
