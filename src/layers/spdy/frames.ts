/** The frames of SPDY/3.1, as far as Kubernetes uses them: streams with headers, data, pings; no flow control. */
import { Buffer } from "node:buffer"

export type Frame =
  | { readonly _tag: "SynStream"; readonly id: number; readonly fin: boolean; readonly block: Buffer }
  | { readonly _tag: "SynReply"; readonly id: number; readonly fin: boolean; readonly block: Buffer }
  | { readonly _tag: "Headers"; readonly id: number; readonly fin: boolean; readonly block: Buffer }
  | { readonly _tag: "Reset"; readonly id: number }
  | { readonly _tag: "Ping"; readonly id: number }
  | { readonly _tag: "GoAway" }
  /** A piece of a data frame as it came; `fin` with the last of it. */
  | { readonly _tag: "Data"; readonly id: number; readonly fin: boolean; readonly bytes: Buffer }

const version = 3
const types = { synStream: 1, synReply: 2, reset: 3, ping: 6, goAway: 7, headers: 8 } as const
const finFlag = 0x01
const idMask = 0x7fffffff
// A control frame holds headers at most; who sends more means harm.
const maxControlBytes = 1024 * 1024

/** The peer does not speak SPDY/3.1. */
export class BadFrame extends Error {}

/** Cuts what arrives into frames. Data is handed on as it comes, however long its frame is. */
export class FrameReader {
  #pending: Buffer = Buffer.alloc(0)
  #data: { readonly id: number; readonly fin: boolean; left: number } | undefined;

  /** Throws `BadFrame` on what cannot be one. */
  *read(bytes: Buffer): Generator<Frame> {
    let input = this.#pending.length === 0 ? bytes : Buffer.concat([this.#pending, bytes])
    while (true) {
      if (this.#data !== undefined) {
        const { fin, id } = this.#data
        const part = input.subarray(0, this.#data.left)
        input = input.subarray(part.length)
        this.#data.left -= part.length
        const isLast = this.#data.left === 0
        if (isLast) {
          this.#data = undefined
        }
        if (part.length > 0 || isLast) {
          yield { _tag: "Data", id, fin: fin && isLast, bytes: part }
        }
        if (!isLast) {
          break
        }
        continue
      }
      if (input.length < 8) {
        break
      }
      const first = input.readUInt32BE(0)
      const flags = input.readUInt8(4)
      const length = input.readUIntBE(5, 3)
      if (first >>> 31 === 0) {
        this.#data = { id: first & idMask, fin: (flags & finFlag) !== 0, left: length }
        input = input.subarray(8)
        continue
      }
      if (((first >>> 16) & 0x7fff) !== version || length > maxControlBytes) {
        throw new BadFrame(`not a frame of SPDY/3.1: ${input.subarray(0, 8).toString("hex")}`)
      }
      if (input.length < 8 + length) {
        break
      }
      const frame = control(first & 0xffff, flags, input.subarray(8, 8 + length))
      input = input.subarray(8 + length)
      if (frame !== undefined) {
        yield frame
      }
    }
    this.#pending = input
  }
}

const control = (type: number, flags: number, body: Buffer): Frame | undefined => {
  const fin = (flags & finFlag) !== 0
  const id = body.length >= 4 ? body.readUInt32BE(0) & idMask : 0
  switch (type) {
    case types.synStream:
      return { _tag: "SynStream", id, fin, block: body.subarray(10) }
    case types.synReply:
      return { _tag: "SynReply", id, fin, block: body.subarray(4) }
    case types.headers:
      return { _tag: "Headers", id, fin, block: body.subarray(4) }
    case types.reset:
      return { _tag: "Reset", id }
    case types.ping:
      // All 32 bits name a ping.
      return { _tag: "Ping", id: body.readUInt32BE(0) }
    case types.goAway:
      return { _tag: "GoAway" }
    default:
      // Settings, window updates, credentials: nobody here needs them.
      return undefined
  }
}

const controlFrame = (type: number, flags: number, body: Buffer): Buffer => {
  const head = Buffer.alloc(8)
  head.writeUInt32BE((0x80000000 | (version << 16) | type) >>> 0)
  head.writeUInt8(flags, 4)
  head.writeUIntBE(body.length, 5, 3)
  return Buffer.concat([head, body])
}

const words = (...values: ReadonlyArray<number>): Buffer => {
  const out = Buffer.alloc(values.length * 4)
  values.forEach((value, index) => out.writeUInt32BE(value >>> 0, index * 4))
  return out
}

export const synStream = (id: number, block: Buffer): Buffer =>
  controlFrame(types.synStream, 0, Buffer.concat([words(id, 0), Buffer.alloc(2), block]))

export const synReply = (id: number, block: Buffer): Buffer =>
  controlFrame(types.synReply, 0, Buffer.concat([words(id), block]))

const cancelled = 5

export const reset = (id: number): Buffer => controlFrame(types.reset, 0, words(id, cancelled))

export const ping = (id: number): Buffer => controlFrame(types.ping, 0, words(id))

export const goAway = (lastId: number): Buffer => controlFrame(types.goAway, 0, words(lastId, 0))

/** The head of a data frame; its `length` bytes follow. */
export const dataHead = (id: number, length: number, fin: boolean): Buffer => {
  const head = Buffer.alloc(8)
  head.writeUInt32BE(id)
  head.writeUInt8(fin ? finFlag : 0, 4)
  head.writeUIntBE(length, 5, 3)
  return head
}
