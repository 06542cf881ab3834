/**
 * Bodies in Kubernetes' protobuf form, which `kubectl create` and Go clients send: read into the JSON form by the table of
 * fields. Answers go out as JSON, which those clients take too.
 */
import { BinaryReader, WireType } from "@bufbuild/protobuf/wire"
import { Result } from "effect"
import { type JsonObject, listOf, objectOf } from "../../../domain/k8s/json.ts"
import { formatMicroTime, formatTime } from "../../../domain/k8s/time.ts"
import type { Field, FieldTable, FieldType, Scalar, Shape } from "./fields.ts"
import { badRequest, type Refusal } from "./refusal.ts"

export const protobufType = "application/vnd.kubernetes.protobuf"

const magic = "k8s\0"

type Visit = (number: number, wireType: WireType, reader: BinaryReader) => boolean

/** Walks over the fields of a message; what the visitor does not take is skipped. */
const walk = (bytes: Uint8Array, visit: Visit): void => {
  const reader = new BinaryReader(bytes)
  while (reader.pos < reader.len) {
    const [number, wireType] = reader.tag()
    if (!visit(number, wireType, reader)) reader.skip(wireType, number)
  }
}

const integer = (reader: BinaryReader): number => Number(reader.int64())

const timeIn = (bytes: Uint8Array, micro: boolean): string | null => {
  let seconds = 0
  let nanos = 0
  walk(bytes, (number, _, reader) => {
    if (number === 1) seconds = integer(reader)
    else if (number === 2) nanos = reader.int32()
    else return false
    return true
  })
  const millis = seconds * 1000 + nanos / 1e6
  // The zero time of Go lies before any that is meant.
  if (seconds <= 0) return null
  return micro ? formatMicroTime(millis) : formatTime(millis)
}

/** The one text or bytes field that a wrapper message consists of. */
const inner = (bytes: Uint8Array): Uint8Array => {
  let found = new Uint8Array()
  walk(bytes, (number, _, reader) => {
    if (number !== 1) return false
    found = new Uint8Array(reader.bytes())
    return true
  })
  return found
}

const decoder = new TextDecoder()

const intOrString = (bytes: Uint8Array): number | string => {
  let isText = false
  let number = 0
  let text = ""
  walk(bytes, (field, _, reader) => {
    if (field === 1) isText = integer(reader) === 1
    else if (field === 2) number = integer(reader)
    else if (field === 3) text = reader.string()
    else return false
    return true
  })
  return isText ? text : number
}

const scalar = (code: Scalar, reader: BinaryReader): unknown => {
  switch (code) {
    case "s":
      return reader.string()
    case "i":
      return integer(reader)
    case "f":
      return reader.double()
    case "b":
      return reader.bool()
    case "y":
      return Buffer.from(reader.bytes()).toString("base64")
    case "q":
      return decoder.decode(inner(reader.bytes()))
    case "x":
      return intOrString(reader.bytes())
    case "t":
      return timeIn(reader.bytes(), false)
    case "u":
      return timeIn(reader.bytes(), true)
    case "j": {
      const text = decoder.decode(inner(reader.bytes()))
      const json: unknown = text === "" ? null : JSON.parse(text)
      return json
    }
  }
}

/** Values of a map that are lists travel in a message of their own. */
const wrapped = (bytes: Uint8Array, of: FieldType): ReadonlyArray<unknown> => {
  const values: Array<unknown> = []
  walk(bytes, (number, wireType, reader) => {
    if (number !== 1) return false
    values.push(valueOf(of, wireType, reader))
    return true
  })
  return values
}

const valueOf = (type: FieldType, wireType: WireType, reader: BinaryReader): unknown => {
  switch (type._tag) {
    case "scalar":
      return scalar(type.code, reader)
    case "struct":
      return message(reader.bytes(), type.shape)
    case "list":
      return wrapped(reader.bytes(), type.of)
    case "map":
      return reader.skip(wireType)
  }
}

const entry = (bytes: Uint8Array, of: FieldType): readonly [key: string, value: unknown] => {
  let key = ""
  let value: unknown
  walk(bytes, (number, wireType, reader) => {
    if (number === 1) key = reader.string()
    else if (number === 2) value = valueOf(of, wireType, reader)
    else return false
    return true
  })
  return [key, value ?? (of._tag === "scalar" && of.code === "s" ? "" : null)]
}

const packed = (of: FieldType, wireType: WireType): boolean =>
  wireType === WireType.LengthDelimited && of._tag === "scalar" && (of.code === "i" || of.code === "b")

const elements = (of: FieldType, wireType: WireType, reader: BinaryReader): ReadonlyArray<unknown> => {
  if (!packed(of, wireType)) return [valueOf(of, wireType, reader)]
  const inside = new BinaryReader(reader.bytes())
  const values: Array<unknown> = []
  while (inside.pos < inside.len) values.push(valueOf(of, WireType.Varint, inside))
  return values
}

const read = (
  { name, type }: Field,
  target: Record<string, unknown>,
  wireType: WireType,
  reader: BinaryReader
): void => {
  if (type._tag === "list") target[name] = [...listOf(target[name]), ...elements(type.of, wireType, reader)]
  else if (type._tag === "map") {
    const [key, value] = entry(reader.bytes(), type.of)
    target[name] = { ...objectOf(target[name]), [key]: value }
  } else target[name] = valueOf(type, wireType, reader)
}

const fill = (target: Record<string, unknown>, bytes: Uint8Array, shape: Shape, prefix: string): void => {
  walk(bytes, (number, wireType, reader) => {
    const path = `${prefix}${number}`
    const field = shape.byWire.get(path)
    if (field !== undefined) {
      read(field, target, wireType, reader)
      return true
    }
    if (wireType !== WireType.LengthDelimited || !shape.inWire.has(path)) return false
    fill(target, reader.bytes(), shape, `${path}.`)
    return true
  })
}

const message = (bytes: Uint8Array, shape: Shape): JsonObject => {
  const target: Record<string, unknown> = {}
  fill(target, bytes, shape, "")
  return target
}

interface Envelope {
  readonly apiVersion: string
  readonly kind: string
  readonly raw: Uint8Array
}

const envelope = (bytes: Uint8Array): Envelope => {
  let apiVersion = ""
  let kind = ""
  let raw = new Uint8Array()
  walk(bytes, (number, _, reader) => {
    if (number === 1) {
      walk(reader.bytes(), (field, __, inside) => {
        if (field === 1) apiVersion = inside.string()
        else if (field === 2) kind = inside.string()
        else return false
        return true
      })
    } else if (number === 2) raw = new Uint8Array(reader.bytes())
    else return false
    return true
  })
  return { apiVersion, kind, raw }
}

/** `apps/v1` and `authorization.k8s.io/v1` under the headings of the table: `apps/v1`, `authorization/v1`. */
const headingOf = (apiVersion: string): string => {
  const [group = "", version] = apiVersion.split("/")
  return version === undefined ? `core/${group}` : `${group.split(".")[0]}/${version}`
}

const shapeOf = (fields: FieldTable, { apiVersion, kind }: Envelope): Shape | undefined =>
  fields.shapes.get(`${headingOf(apiVersion)}.${kind}`) ?? fields.shapes.get(`meta/v1.${kind}`)

/** Reads a body; the object says its kind as it would in JSON. */
export const readProtobuf = (fields: FieldTable, body: Uint8Array): Result.Result<JsonObject, Refusal> => {
  if (decoder.decode(body.subarray(0, magic.length)) !== magic) {
    return Result.fail(badRequest("provided data does not appear to be a protobuf message, expected prefix k8s\\0"))
  }
  return Result.try({
    try: () => {
      const sent = envelope(body.subarray(magic.length))
      const shape = shapeOf(fields, sent)
      return { apiVersion: sent.apiVersion, kind: sent.kind, ...(shape === undefined ? {} : message(sent.raw, shape)) }
    },
    catch: (cause) => badRequest(`the protobuf body could not be read: ${cause instanceof Error ? cause.message : ""}`)
  })
}
