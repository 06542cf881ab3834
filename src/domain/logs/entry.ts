/**
 * One entry of a container's log file, as a runtime writes it: the CRI format (`TIME STREAM TAGS CONTENT`) or the JSON
 * lines of Docker's json-file driver, which cri-dockerd links to. Bytes stay bytes: a log need not be text.
 */
import { Option } from "effect"

export interface LogEntry {
  /** Nanoseconds since the epoch are split, because a double cannot hold them. */
  readonly at: Instant
  /** RFC 3339 with all nine digits of the second's fraction, in the zone the runtime wrote. */
  readonly stamp: string
  readonly stream: "stdout" | "stderr"
  /** With its newline, unless the runtime split the line here. */
  readonly content: Uint8Array
}

export interface Instant {
  readonly seconds: number
  readonly nanos: number
}

export const isBefore = (a: Instant, b: Instant): boolean =>
  a.seconds < b.seconds || (a.seconds === b.seconds && a.nanos < b.nanos)

const rfc3339 = /^(\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2})(?:\.(\d{1,9})\d*)?(Z|[+-]\d{2}:\d{2})$/

/** Reads RFC 3339 with up to nine digits after the second; anything else is none. */
export const parseInstant = (text: string): Option.Option<Instant & { readonly stamp: string }> => {
  const match = rfc3339.exec(text)
  if (match === null) {
    return Option.none()
  }
  const [, wall = "", fraction = "", zone = ""] = match
  const ms = Date.parse(`${wall}${zone}`)
  if (Number.isNaN(ms)) {
    return Option.none()
  }
  const digits = fraction.padEnd(9, "0")
  return Option.some({ seconds: ms / 1000, nanos: Number(digits), stamp: `${wall}.${digits}${zone}` })
}

const space = 0x20
const newline = 0x0a
const openBrace = 0x7b
const partialTag = 0x50
const tagEnds = new Set([space, 0x3a])
const decoder = new TextDecoder()
const encoder = new TextEncoder()

/** Reads one line of the file, its newline included; none when it is not an entry. */
export const parseEntry = (line: Uint8Array): Option.Option<LogEntry> =>
  line[0] === openBrace ? parseJsonEntry(line) : parseCriEntry(line)

const parseCriEntry = (line: Uint8Array): Option.Option<LogEntry> => {
  const timeEnd = line.indexOf(space)
  const streamEnd = timeEnd < 0 ? -1 : line.indexOf(space, timeEnd + 1)
  const tagsEnd = streamEnd < 0 ? -1 : line.indexOf(space, streamEnd + 1)
  if (tagsEnd < 0) {
    return Option.none()
  }
  const stream = decoder.decode(line.subarray(timeEnd + 1, streamEnd))
  if (stream !== "stdout" && stream !== "stderr") {
    return Option.none()
  }
  // Only the first of the colon-separated tags is defined: P(artial) or F(ull). Others may come.
  const isPartial = line[streamEnd + 1] === partialTag && tagEnds.has(line[streamEnd + 2] ?? -1)
  const end = isPartial && line.at(-1) === newline ? line.length - 1 : line.length
  return Option.map(parseInstant(decoder.decode(line.subarray(0, timeEnd))), ({ nanos, seconds, stamp }) => ({
    at: { seconds, nanos },
    stamp,
    stream,
    content: line.subarray(tagsEnd + 1, end)
  }))
}

const parseJson = Option.liftThrowable((line: Uint8Array): unknown => JSON.parse(decoder.decode(line)))

const parseJsonEntry = (line: Uint8Array): Option.Option<LogEntry> =>
  Option.flatMap(parseJson(line), (value) => {
    if (typeof value !== "object" || value === null) {
      return Option.none()
    }
    const { log, stream, time } = value as {
      readonly log?: unknown
      readonly stream?: unknown
      readonly time?: unknown
    }
    if (typeof log !== "string" || typeof time !== "string" || (stream !== "stdout" && stream !== "stderr")) {
      return Option.none()
    }
    return Option.map(parseInstant(time), ({ nanos, seconds, stamp }) => ({
      at: { seconds, nanos },
      stamp,
      stream,
      content: encoder.encode(log)
    }))
  })
