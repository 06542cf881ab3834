/** ConfigMaps: text in `data`, base64 of any bytes in `binaryData`; a key is in one of them only. */
import { Schema } from "effect"
import { bool, str, stringMap } from "./fields.ts"
import { ObjectMeta } from "./meta.ts"

export const ConfigMap = Schema.Struct({
  apiVersion: str,
  kind: str,
  metadata: ObjectMeta,
  immutable: bool,
  data: stringMap,
  /** Key → base64 of the bytes. */
  binaryData: stringMap
})
export interface ConfigMap extends Schema.Schema.Type<typeof ConfigMap> {}
