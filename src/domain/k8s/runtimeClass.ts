/** RuntimeClasses: which handler of the runtime runs a pod, and what it costs. */
import { Schema } from "effect"
import { list, optional, resourceList, str, stringMap } from "./fields.ts"
import { ObjectMeta } from "./meta.ts"
import { Toleration } from "./pod.ts"

export const RuntimeClass = Schema.Struct({
  apiVersion: str,
  kind: str,
  metadata: ObjectMeta,
  handler: Schema.String,
  overhead: optional(Schema.Struct({ podFixed: resourceList })),
  scheduling: optional(Schema.Struct({ nodeSelector: stringMap, tolerations: list(Toleration) }))
})
export interface RuntimeClass extends Schema.Schema.Type<typeof RuntimeClass> {}
