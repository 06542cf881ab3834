/**
 * Turns the bytes of a log file, as they arrive, into the bytes a reader asked for: entries unwrapped, split lines
 * joined, filtered by time and stream, stamped and cut at a limit. Pure: the state goes in and comes out.
 */
import { Option } from "effect"
import { type Instant, isBefore, parseEntry } from "./entry.ts"

export interface LogFilter {
  /** Entries before this are left out. */
  readonly since: Option.Option<Instant>
  /** Put the time before every line. */
  readonly timestamps: boolean
  /** Stop after so many bytes of output. */
  readonly limitBytes: Option.Option<number>
  readonly stream: "All" | "Stdout" | "Stderr"
  /** Stop after so many entries: `tailLines` of a reader that does not follow. */
  readonly maxEntries: Option.Option<number>
}

export interface ReadingState {
  /** The start of an entry whose newline has not come yet. */
  readonly carry: Uint8Array
  readonly remainingBytes: number
  readonly remainingEntries: number
  /** The next content begins a line, so a timestamp belongs before it. */
  readonly atLineStart: boolean
}

export interface ReadingStep {
  readonly state: ReadingState
  readonly output: Uint8Array
  /** The limit is reached: nothing more is to be read. */
  readonly done: boolean
  /** Lines that are no log entries; they are skipped. */
  readonly malformed: number
}

const empty = new Uint8Array(0)
const newline = 0x0a
// A runtime splits lines at 16 KiB; what grows past this without a newline is no log.
const maxEntryBytes = 1024 * 1024

export const startReading = (filter: LogFilter): ReadingState => ({
  carry: empty,
  remainingBytes: Option.getOrElse(filter.limitBytes, () => Infinity),
  remainingEntries: Option.getOrElse(filter.maxEntries, () => Infinity),
  atLineStart: true
})

/** A file was replaced: what the old one left unfinished never gets an end. */
export const dropCarry = (state: ReadingState): ReadingState => ({ ...state, carry: empty })

/** Reads a piece of the file. */
export const read = (filter: LogFilter, state: ReadingState, bytes: Uint8Array): ReadingStep => {
  const input = state.carry.length === 0 ? bytes : concat([state.carry, bytes])
  const writer = makeWriter(filter, state)
  let start = 0
  while (!writer.isDone()) {
    const end = input.indexOf(newline, start)
    if (end < 0) {
      break
    }
    writer.entry(input.subarray(start, end + 1))
    start = end + 1
  }
  const rest = input.length - start
  return writer.finish(rest === 0 || rest > maxEntryBytes ? empty : input.slice(start))
}

/** The file has ended: an entry without its newline is all that will come of it. */
export const readRest = (filter: LogFilter, state: ReadingState): ReadingStep => {
  const writer = makeWriter(filter, state)
  if (state.carry.length > 0 && !writer.isDone()) {
    writer.entry(state.carry)
  }
  return writer.finish(empty)
}

const encoder = new TextEncoder()

// One pass over one piece: local mutation, invisible outside.
const makeWriter = (filter: LogFilter, state: ReadingState) => {
  const out: Array<Uint8Array> = []
  let { atLineStart, remainingBytes, remainingEntries } = state
  let malformed = 0
  const put = (bytes: Uint8Array): void => {
    const part = bytes.length > remainingBytes ? bytes.subarray(0, remainingBytes) : bytes
    remainingBytes -= part.length
    out.push(part)
  }
  const isDone = () => remainingBytes <= 0 || remainingEntries <= 0
  return {
    isDone,
    entry: (line: Uint8Array): void => {
      const entry = Option.getOrUndefined(parseEntry(line))
      if (entry === undefined) {
        malformed += 1
        return
      }
      remainingEntries -= 1
      if (Option.isSome(filter.since) && isBefore(entry.at, filter.since.value)) {
        return
      }
      if (filter.stream !== "All" && filter.stream.toLowerCase() !== entry.stream) {
        return
      }
      if (filter.timestamps && atLineStart) {
        put(encoder.encode(`${entry.stamp} `))
      }
      put(entry.content)
      atLineStart = entry.content.length === 0 || entry.content.at(-1) === newline
    },
    finish: (carry: Uint8Array): ReadingStep => ({
      state: { carry, remainingBytes, remainingEntries, atLineStart },
      output: out.length === 1 ? out[0] ?? empty : concat(out),
      done: isDone(),
      malformed
    })
  }
}

const concat = (parts: ReadonlyArray<Uint8Array>): Uint8Array => {
  const whole = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0))
  let at = 0
  for (const part of parts) {
    whole.set(part, at)
    at += part.length
  }
  return whole
}
