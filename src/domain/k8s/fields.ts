/** The field kinds Kubernetes objects are made of: short names for the optional fields that every Schema here repeats. */
import { Schema } from "effect"

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
export const time = str

/** A quantity in its text form; see `domain/resources/quantity.ts`. */
export const quantity = str

/** Resource name → quantity text. */
export const ResourceList = StringMap
export type ResourceList = StringMap
export const resourceList = stringMap

/** A port number or name, a count or a percentage. */
export const IntOrString = Schema.Union([Schema.Number, Schema.String])
export type IntOrString = typeof IntOrString.Type

export const optional = <S extends Schema.Constraint>(schema: S) => Schema.optionalKey(schema)
export const list = <S extends Schema.Constraint>(schema: S) => Schema.optionalKey(Schema.Array(schema))
