/** Certificates of authorities that a cluster trusts, published for all to read. */
import { Schema } from "effect"
import { str } from "./fields.ts"
import { ObjectMeta } from "./meta.ts"

export const ClusterTrustBundle = Schema.Struct({
  apiVersion: str,
  kind: str,
  metadata: ObjectMeta,
  /** `trustBundle`: PEM. */
  spec: Schema.Struct({ signerName: str, trustBundle: Schema.String })
})
export interface ClusterTrustBundle extends Schema.Schema.Type<typeof ClusterTrustBundle> {}
