/** Secrets. Values are base64 in the API and stay so here: they are decoded where they are used, never logged. */
import { Schema } from "effect"
import { bool, str, stringMap } from "./fields.ts"
import { ObjectMeta } from "./meta.ts"

export const Secret = Schema.Struct({
  apiVersion: str,
  kind: str,
  metadata: ObjectMeta,
  immutable: bool,
  /** Key → base64 of the bytes. */
  data: stringMap,
  type: str
})
export interface Secret extends Schema.Schema.Type<typeof Secret> {}
