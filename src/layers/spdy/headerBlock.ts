/**
 * The header blocks of SPDY/3.1: names and values, compressed over the whole connection with a dictionary that both
 * ends know. Reading and writing are plain functions of the block and of what came before it.
 */
import { Buffer } from "node:buffer"
import { constants, inflateRawSync } from "node:zlib"

export type SpdyHeaders = ReadonlyMap<string, string>

const dictionaryWords = "options head post put delete trace accept accept-charset accept-encoding accept-language "
  + "accept-ranges age allow authorization cache-control connection content-base content-encoding content-language "
  + "content-length content-location content-md5 content-range content-type date etag expect expires from host if-match "
  + "if-modified-since if-none-match if-range if-unmodified-since last-modified location max-forwards pragma "
  + "proxy-authenticate proxy-authorization range referer retry-after server te trailer transfer-encoding upgrade "
  + "user-agent vary via warning www-authenticate method get status 200_OK version HTTP/1.1 url public set-cookie "
  + "keep-alive origin"

const dictionaryTail = "100101201202205206300302303304305306307402405406407408409410411412413414415416417502504505"
  + "203 Non-Authoritative Information204 No Content301 Moved Permanently400 Bad Request401 Unauthorized403 Forbidden"
  + "404 Not Found500 Internal Server Error501 Not Implemented503 Service UnavailableJan Feb Mar Apr May Jun Jul Aug "
  + "Sept Oct Nov Dec 00:00:00 Mon, Tue, Wed, Thu, Fri, Sat, Sun, GMTchunked,text/html,image/png,image/jpg,image/gif,"
  + "application/xml,application/xhtml+xml,text/plain,text/javascript,publicprivatemax-age=gzip,deflate,sdch"
  + "charset=utf-8charset=iso-8859-1,utf-,*,enq=0."

const lengthPrefixed = (text: string): Buffer => {
  const bytes = Buffer.from(text, "utf8")
  const out = Buffer.alloc(4 + bytes.length)
  out.writeUInt32BE(bytes.length)
  bytes.copy(out, 4)
  return out
}

/** The dictionary of SPDY/3, section 2.6.10.1. */
export const dictionary: Buffer = Buffer.concat([
  ...dictionaryWords.split(" ").map((word) => lengthPrefixed(word.replace("_", " "))),
  Buffer.from(dictionaryTail)
])

const windowBytes = 32 * 1024
const maxBlockBytes = 256 * 1024
const presetDictionary = 0x20

/** Undoes the compression of one end's blocks, in their order. */
export class HeaderReader {
  // A block ends on a byte, so each can be inflated by itself, given the text it may refer back to.
  #history: Buffer = dictionary
  #isFirst = true

  /** Throws on a block that is not one. */
  read(block: Buffer): SpdyHeaders {
    let raw = block
    if (this.#isFirst) {
      // The zlib header of the stream, and the check of the dictionary where it says that there is one.
      raw = block.subarray((block[1] ?? 0) & presetDictionary ? 6 : 2)
      this.#isFirst = false
    }
    const text = inflateRawSync(raw, {
      dictionary: this.#history,
      finishFlush: constants.Z_SYNC_FLUSH,
      maxOutputLength: maxBlockBytes
    })
    this.#history = Buffer.concat([this.#history, text]).subarray(-windowBytes)
    return parse(text)
  }
}

const parse = (text: Buffer): SpdyHeaders => {
  const headers = new Map<string, string>()
  let at = 4
  const next = (): string => {
    const end = at + 4 + text.readUInt32BE(at)
    const value = text.toString("utf8", at + 4, end)
    at = end
    return value
  }
  for (let left = text.readUInt32BE(0); left > 0; left--) {
    const name = next()
    // Several values of one name are separated by NUL.
    headers.set(name.toLowerCase(), next().split("\0")[0] ?? "")
  }
  return headers
}

/** Writes blocks without compressing them: "stored" is a form of deflate as well, and they are small. */
export class HeaderWriter {
  #isFirst = true

  write(headers: SpdyHeaders): Buffer {
    const count = Buffer.alloc(4)
    count.writeUInt32BE(headers.size)
    const text = Buffer.concat([
      count,
      ...[...headers].flatMap(([name, value]) => [lengthPrefixed(name.toLowerCase()), lengthPrefixed(value)])
    ])
    const parts: Array<Buffer> = this.#isFirst ? [Buffer.from([0x78, 0x01])] : []
    this.#isFirst = false
    for (let from = 0; from < text.length; from += 0xffff) {
      const stored = text.subarray(from, from + 0xffff)
      const head = Buffer.alloc(5)
      head.writeUInt16LE(stored.length, 1)
      head.writeUInt16LE(~stored.length & 0xffff, 3)
      parts.push(head, stored)
    }
    return Buffer.concat([...parts, syncMark])
  }
}

// An empty block, as after a flush: Go's reader gives nothing out before it has seen one.
const syncMark = Buffer.from([0, 0, 0, 0xff, 0xff])
