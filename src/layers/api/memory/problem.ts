/** Findings of validation on single fields, in the words of Kubernetes' field errors. */
import type { Cause } from "./refusal.ts"

const shown = (value: unknown): string => typeof value === "number" ? String(value) : JSON.stringify(value) ?? "null"

const cause = (reason: string, field: string, message: string): Cause => ({ reason, message, field })

export const required = (field: string, detail = ""): Cause =>
  cause("FieldValueRequired", field, detail === "" ? "Required value" : `Required value: ${detail}`)

export const invalidValue = (field: string, value: unknown, detail: string): Cause =>
  cause("FieldValueInvalid", field, `Invalid value: ${shown(value)}: ${detail}`)

export const unsupported = (field: string, value: unknown, supported: ReadonlyArray<string>): Cause =>
  cause(
    "FieldValueNotSupported",
    field,
    `Unsupported value: ${shown(value)}: supported values: ${[...supported].sort().map(shown).join(", ")}`
  )

export const duplicate = (field: string, value: unknown): Cause =>
  cause("FieldValueDuplicate", field, `Duplicate value: ${shown(value)}`)

export const missing = (field: string, value: unknown): Cause =>
  cause("FieldValueNotFound", field, `Not found: ${shown(value)}`)

export const refused = (field: string, detail: string): Cause =>
  cause("FieldValueForbidden", field, `Forbidden: ${detail}`)

export const tooLong = (field: string, limit: number): Cause =>
  cause("FieldValueTooLong", field, `Too long: may not be more than ${limit} bytes`)

export const immutable = (field: string, value: unknown): Cause => invalidValue(field, value, "field is immutable")
