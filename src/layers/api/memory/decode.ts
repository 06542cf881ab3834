/**
 * Brings an object into the one form the server stores, which is what Go writes after reading it: unknown fields and nulls
 * dropped, empty lists and zero values left out, fields that are always written filled in, times cut to seconds and
 * quantities made canonical. Whatever has that form already is kept by reference.
 */
import { Result } from "effect"
import { equal, isObject, type JsonObject, omit } from "../../../domain/k8s/json.ts"
import { formatTime, parseTime } from "../../../domain/k8s/time.ts"
import { formatQuantity, parseQuantity } from "../../../domain/resources/quantity.ts"
import type { Field, FieldType, Scalar, Shape } from "./fields.ts"

/** What was wrong with an input, by paths such as `spec.containers[0].imagee`. */
export interface Findings {
  readonly unknown: Array<string>
  readonly wrong: Array<string>
}

export const noFindings = (): Findings => ({ unknown: [], wrong: [] })

interface Place {
  readonly shape: Shape
  readonly path: string
}

const nameOf = (value: unknown): string =>
  Array.isArray(value) ? "array" : typeof value === "boolean" ? "bool" : typeof value

const goScalars: Readonly<Record<Scalar, string>> = {
  s: "string",
  i: "int64",
  f: "float64",
  b: "bool",
  y: "[]uint8",
  q: "resource.Quantity",
  x: "intstr.IntOrString",
  t: "v1.Time",
  u: "v1.MicroTime",
  j: "runtime.RawExtension"
}

const goName = (type: FieldType): string => {
  switch (type._tag) {
    case "scalar":
      return goScalars[type.code]
    case "list":
      return `[]${goName(type.of)}`
    case "map":
      return `map[string]${goName(type.of)}`
    case "struct":
      return `v1.${type.shape.name}`
  }
}

const mismatch = (value: unknown, type: FieldType, place: Place, findings: Findings): undefined => {
  findings.wrong.push(
    `json: cannot unmarshal ${nameOf(value)} into Go struct field ${place.shape.name}.${place.path} of type ${
      goName(type)
    }`
  )
  return undefined
}

const wholeSeconds = /^\d{4}-(0\d|1[0-2])-([0-2]\d|3[01])T([01]\d|2[0-3]):[0-5]\d:[0-5]\dZ$/

const time = (value: unknown, findings: Findings): string | undefined => {
  const text = typeof value === "string" ? value : ""
  if (text.length === 20 && wholeSeconds.test(text)) return text
  const millis = parseTime(text)
  if (millis === undefined) {
    findings.wrong.push(`parsing time ${JSON.stringify(value)} as "2006-01-02T15:04:05Z07:00": cannot parse it`)
    return undefined
  }
  return formatTime(millis)
}

const wholeMicros = /^\d{4}-(0\d|1[0-2])-([0-2]\d|3[01])T([01]\d|2[0-3]):[0-5]\d:[0-5]\d\.\d{6}Z$/
const microPattern = /^(.*:\d\d)(?:\.(\d+))?Z$/

const microTime = (value: unknown, findings: Findings): string | undefined => {
  if (typeof value === "string" && value.length === 27 && wholeMicros.test(value)) return value
  const seconds = time(value, findings)
  if (seconds === undefined || typeof value !== "string") return undefined
  // Only times in UTC keep their fraction; any other zone is rare enough to lose what is below a second.
  const fraction = microPattern.exec(value)?.[2] ?? ""
  return seconds.replace("Z", `.${fraction.slice(0, 6).padEnd(6, "0")}Z`)
}

const quantity = (value: unknown, findings: Findings): string | undefined => {
  const parsed = parseQuantity(String(value).trim())
  if (Result.isSuccess(parsed)) return formatQuantity(parsed.success)
  findings.wrong.push(parsed.failure.message)
  return undefined
}

const scalar = (value: unknown, type: FieldType, code: Scalar, place: Place, findings: Findings): unknown => {
  switch (code) {
    case "s":
    case "y":
      return typeof value === "string" ? value : mismatch(value, type, place, findings)
    case "i":
      return Number.isInteger(value) ? value : mismatch(value, type, place, findings)
    case "f":
      return typeof value === "number" ? value : mismatch(value, type, place, findings)
    case "b":
      return typeof value === "boolean" ? value : mismatch(value, type, place, findings)
    case "x":
      return typeof value === "string" || Number.isInteger(value) ? value : mismatch(value, type, place, findings)
    case "q":
      return typeof value === "string" || typeof value === "number"
        ? quantity(value, findings)
        : mismatch(value, type, place, findings)
    case "t":
      return time(value, findings)
    case "u":
      return microTime(value, findings)
    case "j":
      return value
  }
}

const zeroOf = (type: FieldType, findings: Findings): unknown => {
  if (type._tag === "struct") return struct({}, type.shape, "", undefined, findings)
  if (type._tag !== "scalar") return null
  switch (type.code) {
    case "s":
      return ""
    case "i":
    case "f":
    case "x":
      return 0
    case "b":
      return false
    case "q":
      return "0"
    case "y":
    case "t":
    case "u":
    case "j":
      return null
  }
}

const isZero = (value: unknown, type: FieldType): boolean => {
  switch (type._tag) {
    case "scalar":
      return value === "" || value === 0 || value === false
    case "list":
      return Array.isArray(value) && value.length === 0
    case "map":
      return isObject(value) && Object.keys(value).length === 0
    case "struct":
      return isObject(value) && type.shape.always.length === 0 && Object.keys(value).length === 0
  }
}

const list = (
  value: unknown,
  type: FieldType,
  of: FieldType,
  place: Place,
  before: unknown,
  findings: Findings
): unknown => {
  if (!Array.isArray(value)) return mismatch(value, type, place, findings)
  let changed = false
  const result = value.map((element: unknown, index) => {
    const old: unknown = Array.isArray(before) ? before[index] : undefined
    if (element === old && element !== null) return element
    const path = `${place.path}[${index}]`
    const next = element === null || element === undefined
      ? zeroOf(of, findings)
      : decodeValue(element, of, { shape: place.shape, path }, old, findings)
    if (next !== element) changed = true
    return next
  })
  return changed ? result : value
}

const map = (value: unknown, type: FieldType, of: FieldType, place: Place, before: unknown, findings: Findings) => {
  if (!isObject(value)) return mismatch(value, type, place, findings)
  let changed = false
  const entries: Array<[string, unknown]> = []
  for (const [key, element] of Object.entries(value)) {
    const old = isObject(before) ? before[key] : undefined
    const next = element === old
      ? element
      : element === null || element === undefined
      ? zeroOf(of, findings)
      : decodeValue(element, of, { shape: place.shape, path: `${place.path}.${key}` }, old, findings)
    if (next !== element) changed = true
    entries.push([key, next])
  }
  return changed ? Object.fromEntries(entries) : value
}

const struct = (
  value: JsonObject,
  shape: Shape,
  path: string,
  before: unknown,
  findings: Findings
): JsonObject => {
  let copy: Record<string, unknown> | undefined
  const absent = new Set<string>()
  for (const [key, element] of Object.entries(value)) {
    const here = path === "" ? key : `${path}.${key}`
    const field = shape.fields.get(key)
    const next = field === undefined
      ? unknownField(here, element, findings)
      : member(element, field, { shape, path: here }, isObject(before) ? before[key] : undefined, findings)
    if (next === element) continue
    copy ??= { ...value }
    if (next === undefined) absent.add(key)
    else copy[key] = next
  }
  if (copy !== undefined && absent.size > 0) copy = omit(copy, absent)
  for (const field of shape.always) {
    if (Object.hasOwn(copy ?? value, field.name)) continue
    copy ??= { ...value }
    copy[field.name] = zeroOf(field.type, findings)
  }
  return copy ?? value
}

const unknownField = (path: string, value: unknown, findings: Findings): undefined => {
  if (value !== undefined) findings.unknown.push(path)
  return undefined
}

const member = (value: unknown, field: Field, place: Place, before: unknown, findings: Findings): unknown => {
  if (value === before && value !== null && value !== undefined) return value
  if (value === null || value === undefined) return field.mark === "!" ? zeroOf(field.type, findings) : undefined
  const next = decodeValue(value, field.type, place, before, findings)
  return field.mark === "-" && isZero(next, field.type) ? undefined : next
}

const decodeValue = (value: unknown, type: FieldType, place: Place, before: unknown, findings: Findings): unknown => {
  switch (type._tag) {
    case "scalar":
      return scalar(value, type, type.code, place, findings)
    case "list":
      return list(value, type, type.of, place, before, findings)
    case "map":
      return map(value, type, type.of, place, before, findings)
    case "struct":
      if (!isObject(value)) return mismatch(value, type, place, findings)
      return struct(value, type.shape, place.path, before, findings)
  }
}

/** The fields whose loss is no finding: servers manage them, and this one does not keep them. */
const unkept: ReadonlySet<string> = new Set(["metadata.managedFields", "metadata.selfLink"])

/**
 * Decodes an object of a type. What is equal by reference to the same place of `before`, which has the stored form, is
 * taken over unseen. Findings on fields that were sent but are not known are collected, wrong types fail the whole.
 */
export const decodeFields = (
  value: JsonObject,
  shape: Shape,
  before: unknown,
  findings: Findings
): JsonObject => {
  const { apiVersion, kind, ...fields } = value
  const decoded = struct(fields, shape, "", before, findings)
  const kept = findings.unknown.filter((path) => !unkept.has(path))
  findings.unknown.splice(0, findings.unknown.length, ...kept)
  return { apiVersion, kind, ...decoded }
}

/** Whether two stored objects say the same, their versions aside. */
export const sameContent = (a: JsonObject, b: JsonObject): boolean => {
  const { metadata: metaA, ...restA } = a
  const { metadata: metaB, ...restB } = b
  if (!isObject(metaA) || !isObject(metaB)) return false
  const { resourceVersion: _a, ...plainA } = metaA
  const { resourceVersion: _b, ...plainB } = metaB
  return equal(plainA, plainB) && equal(restA, restB)
}
