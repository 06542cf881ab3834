/**
 * The query of `/containerLogs` (O4): what a reader may ask, how it is read, and the kubelet's words for what is wrong.
 */
import { Option, Result } from "effect"
import { type Instant, parseInstant } from "./entry.ts"

export interface LogQuery {
  readonly follow: boolean
  readonly previous: boolean
  readonly timestamps: boolean
  readonly tailLines: Option.Option<number>
  readonly limitBytes: Option.Option<number>
  readonly sinceSeconds: Option.Option<number>
  readonly sinceTime: Option.Option<Instant>
  readonly stream: "All" | "Stdout" | "Stderr"
}

export interface BadLogQuery {
  readonly status: 400 | 422
  readonly message: string
}

const undecodable: BadLogQuery = { status: 400, message: `{"message": "Unable to decode query."}` }
const invalid: BadLogQuery = { status: 422, message: `{"message": "Invalid request."}` }

type Read<A> = Result.Result<Option.Option<A>, BadLogQuery>

/** Reads the query. `splitStreams` is the gate PodLogsQuerySplitStreams, off by default in 1.36. */
export const parseLogQuery = (
  query: URLSearchParams,
  options: { readonly splitStreams: boolean }
): Result.Result<LogQuery, BadLogQuery> =>
  Result.gen(function*() {
    const tail = query.get("tail")
    const tailLines = yield* (tail === null || tail === ""
      ? integer(query, "tailLines")
      : tail === "all"
      ? absent
      : integer(query, "tail"))
    const limitBytes = yield* integer(query, "limitBytes")
    const sinceSeconds = yield* integer(query, "sinceSeconds")
    const sinceTime = yield* time(query, "sinceTime")
    const isValid = Option.getOrElse(tailLines, () => 0) >= 0
      && Option.getOrElse(limitBytes, () => 1) >= 1
      && Option.getOrElse(sinceSeconds, () => 1) >= 1
      && !(Option.isSome(sinceSeconds) && Option.isSome(sinceTime))
    if (!isValid) {
      return yield* Result.fail(invalid)
    }
    const stream = yield* parseStream(query.get("stream"), Option.isSome(tailLines), options.splitStreams)
    return {
      follow: flag(query, "follow"),
      previous: flag(query, "previous"),
      timestamps: flag(query, "timestamps"),
      tailLines,
      limitBytes,
      sinceSeconds,
      sinceTime,
      stream
    }
  })

/** The moment before which nothing is shown, of `sinceSeconds` or `sinceTime`. */
export const sinceOf = (query: LogQuery, nowMs: number): Option.Option<Instant> =>
  Option.orElse(
    query.sinceTime,
    () =>
      Option.map(query.sinceSeconds, (seconds) => ({
        seconds: Math.floor(nowMs / 1000) - seconds,
        nanos: (nowMs % 1000) * 1_000_000
      }))
  )

const absent: Read<number> = Result.succeed(Option.none())

const integer = (query: URLSearchParams, name: string): Read<number> => {
  const text = query.get(name)
  if (text === null) {
    return absent
  }
  const value = /^[+-]?\d{1,18}$/.test(text) ? Number(text) : Number.NaN
  return Number.isNaN(value) ? Result.fail(undecodable) : Result.succeed(Option.some(value))
}

const time = (query: URLSearchParams, name: string): Read<Instant> => {
  const text = query.get(name)
  if (text === null || text === "") {
    return Result.succeed(Option.none())
  }
  const instant = parseInstant(text)
  return Option.isNone(instant) ? Result.fail(undecodable) : Result.succeed(instant)
}

// Any value but these two means yes, as for every boolean in a query of the API.
const flag = (query: URLSearchParams, name: string): boolean => {
  const text = query.get(name)
  return text !== null && text.toLowerCase() !== "false" && text !== "0"
}

const parseStream = (
  text: string | null,
  hasTail: boolean,
  splitStreams: boolean
): Result.Result<LogQuery["stream"], BadLogQuery> => {
  if (text === null || text === "" || text === "All") {
    return Result.succeed("All")
  }
  if (text !== "Stdout" && text !== "Stderr") {
    return Result.fail(invalid)
  }
  if (!splitStreams) {
    return Result.fail({
      status: 400,
      message: `unable to return the given log stream: ${JSON.stringify(text)}. `
        + "Please enable PodLogsQuerySplitStreams feature gate in kubelet"
    })
  }
  // The last lines of one stream would need a scan of the whole file: the API forbids the pair.
  return hasTail ? Result.fail(invalid) : Result.succeed(text)
}
