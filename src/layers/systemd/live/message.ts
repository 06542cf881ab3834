/** Messages of D-Bus: a header of fields, then a body by its signature. Cut out of a stream by their own lengths. */
import { type DbusValue, MalformedMessage, Reader, typesOf, Writer } from "./marshal.ts"

export const messageType = { call: 1, answer: 2, error: 3, signal: 4 } as const

export interface Message {
  readonly type: number
  readonly serial: number
  readonly path?: string
  readonly interface?: string
  readonly member?: string
  readonly errorName?: string
  readonly replySerial?: number
  readonly destination?: string
  readonly sender?: string
  readonly signature: string
  readonly body: ReadonlyArray<DbusValue>
}

/** By number, with its type. */
const fieldTypes: ReadonlyArray<readonly [keyof Message, string] | undefined> = [
  undefined,
  ["path", "o"],
  ["interface", "s"],
  ["member", "s"],
  ["errorName", "s"],
  ["replySerial", "u"],
  ["destination", "s"],
  ["sender", "s"],
  ["signature", "g"]
]

const little = "l".charCodeAt(0)
const protocolVersion = 1
/** Before the fields: byte order, type, flags, version, length of the body, serial, length of the fields. */
const fixedBytes = 16
/** The specification's own limit. */
const maxBytes = 2 ** 27

export const encodeMessage = (message: Message): Uint8Array => {
  const body = new Writer()
  typesOf(message.signature).forEach((type, index) => {
    const value = message.body[index]
    if (value === undefined) throw new MalformedMessage(`no value for ${type} in the body`)
    body.write(type, value)
  })
  const fields = fieldTypes.flatMap((field, code) => {
    const value = field === undefined ? undefined : message[field[0]]
    if (field === undefined || value === undefined || value === "" || typeof value === "object") return []
    return [[code, { signature: field[1], value }]]
  })
  const whole = new Writer()
  whole.write("(yyyyuu)", [little, message.type, 0, protocolVersion, body.length, message.serial])
  whole.write("a(yv)", fields)
  whole.align(8)
  whole.raw(body.bytes())
  return whole.bytes()
}

/** The first message of the bytes and how many it took; undefined while it is not all there. */
export const decodeMessage = (bytes: Uint8Array): { readonly message: Message; readonly size: number } | undefined => {
  if (bytes.length < fixedBytes) return undefined
  const isLittle = bytes[0] === little
  const lengths = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  const bodyBytes = lengths.getUint32(4, isLittle)
  const bodyAt = Math.ceil((fixedBytes + lengths.getUint32(12, isLittle)) / 8) * 8
  const size = bodyAt + bodyBytes
  if (size > maxBytes) throw new MalformedMessage(`a message of ${size} bytes`)
  if (bytes.length < size) return undefined
  const reader = new Reader(bytes.subarray(0, size), isLittle)
  const [, type, , , , serial] = reader.readAll("yyyyuu")
  const fields: Record<string, unknown> = {}
  for (const [code, value] of entriesOf(reader.read("a(yv)"))) {
    const field = fieldTypes[code]
    if (field !== undefined) fields[field[0]] = value
  }
  const signature = typeof fields["signature"] === "string" ? fields["signature"] : ""
  const body = new Reader(bytes.subarray(0, size), isLittle, bodyAt).readAll(signature)
  return { message: { ...fields, type: Number(type), serial: Number(serial), signature, body }, size }
}

const entriesOf = (fields: DbusValue): ReadonlyArray<readonly [number, DbusValue]> =>
  Array.isArray(fields)
    ? fields.flatMap((field: DbusValue) => {
      if (!Array.isArray(field)) return []
      const [code, variant]: ReadonlyArray<DbusValue> = field
      const isVariant = typeof variant === "object" && !Array.isArray(variant) && "value" in variant
      return typeof code === "number" && isVariant ? [[code, variant.value] as const] : []
    })
    : []
