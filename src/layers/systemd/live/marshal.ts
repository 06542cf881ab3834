/**
 * Values of D-Bus to bytes and back, by their signature (D-Bus specification, "Marshaling"). Every value is aligned to
 * its own size, counted from the start of the message.
 */

/** What a signature stands for: text for `s o g`, bigint for `x t`, an array for arrays, structs and entries of maps. */
export type DbusValue = string | number | bigint | boolean | Uint8Array | DbusVariant | ReadonlyArray<DbusValue>

export interface DbusVariant {
  readonly signature: string
  readonly value: DbusValue
}

export class MalformedMessage extends Error {}

const alignments: Readonly<Record<string, number>> = {
  y: 1,
  g: 1,
  v: 1,
  n: 2,
  q: 2,
  b: 4,
  i: 4,
  u: 4,
  s: 4,
  o: 4,
  a: 4,
  h: 4,
  x: 8,
  t: 8,
  d: 8,
  "(": 8,
  "{": 8
}

const alignmentOf = (signature: string): number => alignments[signature[0] ?? ""] ?? unknown(signature)

const unknown = (signature: string): never => {
  throw new MalformedMessage(`no type of D-Bus: ${signature}`)
}

/** The complete types that the signature begins with and goes on with: `sa(sv)u` → `s`, `a(sv)`, `u`. */
export const typesOf = (signature: string): ReadonlyArray<string> => {
  const types: Array<string> = []
  for (let at = 0; at < signature.length;) {
    const end = endOfType(signature, at)
    types.push(signature.slice(at, end))
    at = end
  }
  return types
}

const endOfType = (signature: string, start: number): number => {
  let at = start
  while (signature[at] === "a") at++
  const open = signature[at]
  if (open !== "(" && open !== "{") return open === undefined ? unknown(signature) : at + 1
  for (let depth = 0; at < signature.length; at++) {
    if (signature[at] === "(" || signature[at] === "{") depth++
    if ((signature[at] === ")" || signature[at] === "}") && --depth === 0) return at + 1
  }
  return unknown(signature)
}

const utf8 = new TextEncoder()

/** Bytes that grow, little-endian. */
export class Writer {
  #bytes = new Uint8Array(256)
  #view = new DataView(this.#bytes.buffer)
  #length = 0

  get length(): number {
    return this.#length
  }

  bytes(): Uint8Array {
    return this.#bytes.slice(0, this.#length)
  }

  align(size: number): void {
    this.#reserve(Math.ceil(this.#length / size) * size - this.#length)
  }

  /** Room for so many bytes of zero; where it begins. */
  #reserve(size: number): number {
    const at = this.#length
    this.#length += size
    if (this.#length > this.#bytes.length) {
      const grown = new Uint8Array(2 ** Math.ceil(Math.log2(this.#length)))
      grown.set(this.#bytes)
      this.#bytes = grown
      this.#view = new DataView(grown.buffer)
    }
    return at
  }

  uint32At(at: number, value: number): void {
    this.#view.setUint32(at, value, true)
  }

  raw(bytes: Uint8Array): void {
    const at = this.#reserve(bytes.length)
    this.#bytes.set(bytes, at)
  }

  #number(type: string, value: number | bigint): void {
    const size = alignmentOf(type)
    this.align(size)
    const at = this.#reserve(size)
    if (type === "y") this.#view.setUint8(at, Number(value))
    else if (type === "n") this.#view.setInt16(at, Number(value), true)
    else if (type === "q") this.#view.setUint16(at, Number(value), true)
    else if (type === "i") this.#view.setInt32(at, Number(value), true)
    else if (type === "u" || type === "b" || type === "h") this.#view.setUint32(at, Number(value), true)
    else if (type === "d") this.#view.setFloat64(at, Number(value), true)
    else if (type === "x") this.#view.setBigInt64(at, BigInt(value), true)
    else this.#view.setBigUint64(at, BigInt(value), true)
  }

  #text(type: string, value: string): void {
    const bytes = utf8.encode(value)
    this.#number(type === "g" ? "y" : "u", bytes.length)
    this.raw(bytes)
    this.#number("y", 0)
  }

  #array(element: string, value: DbusValue): void {
    this.#number("u", 0)
    const lengthAt = this.#length - 4
    // The gap before the first element does not count.
    this.align(alignmentOf(element))
    const start = this.#length
    if (value instanceof Uint8Array) this.raw(value)
    else for (const item of listOf(value)) this.write(element, item)
    this.uint32At(lengthAt, this.#length - start)
  }

  write(signature: string, value: DbusValue): void {
    const type = signature[0] ?? ""
    if (type === "a") this.#array(signature.slice(1), value)
    else if (type === "(" || type === "{") {
      this.align(8)
      const items = listOf(value)
      typesOf(signature.slice(1, -1)).forEach((part, index) => this.write(part, items[index] ?? unknown(part)))
    } else if (type === "v") {
      if (!isVariant(value)) return unknown(signature)
      this.#text("g", value.signature)
      this.write(value.signature, value.value)
    } else if (typeof value === "string") this.#text(type, value)
    else if (typeof value === "number" || typeof value === "bigint") this.#number(type, value)
    else if (typeof value === "boolean") this.#number("b", value ? 1 : 0)
    else unknown(signature)
  }
}

const isVariant = (value: DbusValue): value is DbusVariant =>
  typeof value === "object" && !Array.isArray(value) && "signature" in value

const listOf = (value: DbusValue): ReadonlyArray<DbusValue> => Array.isArray(value) ? value : unknown(String(value))

/** Reads from the start of a message, which alignment is counted from. What is beyond its end is malformed. */
export class Reader {
  readonly #view: DataView
  readonly #little: boolean
  #at: number

  constructor(bytes: Uint8Array, little: boolean, at = 0) {
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
    this.#little = little
    this.#at = at
  }

  align(size: number): void {
    this.#at = Math.ceil(this.#at / size) * size
  }

  #take(size: number): number {
    const at = this.#at
    this.#at += size
    if (this.#at > this.#view.byteLength) throw new MalformedMessage("a value goes beyond the end of its message")
    return at
  }

  #number(type: string): number | bigint {
    const size = alignmentOf(type)
    this.align(size)
    const at = this.#take(size)
    const little = this.#little
    if (type === "y") return this.#view.getUint8(at)
    if (type === "n") return this.#view.getInt16(at, little)
    if (type === "q") return this.#view.getUint16(at, little)
    if (type === "i") return this.#view.getInt32(at, little)
    if (type === "d") return this.#view.getFloat64(at, little)
    if (type === "x") return this.#view.getBigInt64(at, little)
    if (type === "t") return this.#view.getBigUint64(at, little)
    return this.#view.getUint32(at, little)
  }

  #bytes(length: number): Uint8Array {
    const at = this.#take(length)
    return new Uint8Array(this.#view.buffer, this.#view.byteOffset + at, length).slice()
  }

  #text(type: string): string {
    const text = new TextDecoder().decode(this.#bytes(Number(this.#number(type === "g" ? "y" : "u"))))
    this.#take(1)
    return text
  }

  #array(element: string): DbusValue {
    const length = Number(this.#number("u"))
    this.align(alignmentOf(element))
    if (element === "y") return this.#bytes(length)
    const end = this.#at + length
    const items: Array<DbusValue> = []
    while (this.#at < end) items.push(this.read(element))
    return items
  }

  read(signature: string): DbusValue {
    const type = signature[0] ?? ""
    if (type === "a") return this.#array(signature.slice(1))
    if (type === "(" || type === "{") {
      this.align(8)
      return typesOf(signature.slice(1, -1)).map((part) => this.read(part))
    }
    if (type === "v") {
      const inner = this.#text("g")
      return { signature: inner, value: this.read(inner) }
    }
    if (type === "s" || type === "o" || type === "g") return this.#text(type)
    const value = this.#number(type)
    return type === "b" ? value !== 0 : value
  }

  readAll(signature: string): ReadonlyArray<DbusValue> {
    return typesOf(signature).map((type) => this.read(type))
  }
}
