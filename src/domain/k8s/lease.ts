/** Leases: the node's heartbeat. Their times have microseconds (`formatMicroTime`). */
import { Schema } from "effect"
import { num, optional, str, time } from "./fields.ts"
import { ObjectMeta } from "./meta.ts"

export const LeaseSpec = Schema.Struct({
  holderIdentity: str,
  leaseDurationSeconds: num,
  acquireTime: time,
  renewTime: time,
  leaseTransitions: num
})
export interface LeaseSpec extends Schema.Schema.Type<typeof LeaseSpec> {}

export const Lease = Schema.Struct({ apiVersion: str, kind: str, metadata: ObjectMeta, spec: optional(LeaseSpec) })
export interface Lease extends Schema.Schema.Type<typeof Lease> {}
