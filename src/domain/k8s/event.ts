/** Events of the core group, as the agent writes them. */
import { Schema } from "effect"
import { num, optional, str, time } from "./fields.ts"
import { ObjectMeta, ObjectReference } from "./meta.ts"

export const Event = Schema.Struct({
  apiVersion: str,
  kind: str,
  metadata: ObjectMeta,
  involvedObject: ObjectReference,
  reason: str,
  message: str,
  source: optional(Schema.Struct({ component: str, host: str })),
  firstTimestamp: time,
  lastTimestamp: time,
  count: num,
  type: str,
  eventTime: time,
  action: str,
  related: optional(ObjectReference),
  reportingComponent: str,
  reportingInstance: str
})
export interface Event extends Schema.Schema.Type<typeof Event> {}
