/** Services, read only for the environment variables of older programs (parity E2). */
import { Schema } from "effect"
import { IntOrString, list, num, optional, str, stringMap, strings } from "./fields.ts"
import { ObjectMeta } from "./meta.ts"

export const ServicePort = Schema.Struct({
  name: str,
  protocol: str,
  appProtocol: str,
  port: Schema.Number,
  targetPort: optional(IntOrString),
  nodePort: num
})
export interface ServicePort extends Schema.Schema.Type<typeof ServicePort> {}

export const ServiceSpec = Schema.Struct({
  ports: list(ServicePort),
  selector: stringMap,
  clusterIP: str,
  clusterIPs: strings,
  type: str,
  externalName: str
})
export interface ServiceSpec extends Schema.Schema.Type<typeof ServiceSpec> {}

export const Service = Schema.Struct({
  apiVersion: str,
  kind: str,
  metadata: ObjectMeta,
  spec: optional(ServiceSpec)
})
export interface Service extends Schema.Schema.Type<typeof Service> {}
