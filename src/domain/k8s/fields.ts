/** The field kinds Kubernetes objects are made of: short names for the optional fields that every Schema here repeats. */
import { Schema } from "effect"
import { isQuantity } from "../resources/quantity.ts"

export const str = Schema.optionalKey(Schema.String)
export const num = Schema.optionalKey(Schema.Number)
export const bool = Schema.optionalKey(Schema.Boolean)
export const strings = Schema.optionalKey(Schema.Array(Schema.String))
export const numbers = Schema.optionalKey(Schema.Array(Schema.Number))

/** Labels, annotations, and every other `map[string]string`. */
export const StringMap = Schema.Record(Schema.String, Schema.String)
export type StringMap = typeof StringMap.Type
export const stringMap = Schema.optionalKey(StringMap)

/** RFC 3339 text, as the API server sends it; see `time.ts`. */
export const time = Schema.optionalKey(Schema.String)

/** A quantity in its text form. Its syntax is checked here, so that whoever reckons with it later need not fail. */
const QuantityText = Schema.String.check(
  Schema.makeFilter((text) => isQuantity(text) || "Expected a quantity such as 250m or 64Mi")
)
export const quantity = Schema.optionalKey(QuantityText)

/** Resource name → quantity text. */
export const ResourceList = Schema.Record(Schema.String, QuantityText)
export type ResourceList = typeof ResourceList.Type
export const resourceList = Schema.optionalKey(ResourceList)

/** A port number or name, a count or a percentage. */
export const IntOrString = Schema.Union([Schema.Number, Schema.String])
export type IntOrString = typeof IntOrString.Type

export const optional = <S extends Schema.Constraint>(schema: S) => Schema.optionalKey(schema)
export const list = <S extends Schema.Constraint>(schema: S) => Schema.optionalKey(Schema.Array(schema))
