/** What `kubectl` does over SPDY: a command's streams by name, and connections to the ports of a pod. */
import { Effect, Option } from "effect"
import * as SpdyConnection from "../../../src/layers/spdy/SpdyConnection.ts"
import { upgrade } from "./fixture.ts"

export const readAll = Effect.fnUntraced(function*(stream: SpdyConnection.SpdyStream) {
  const parts: Array<Uint8Array> = []
  for (let part = yield* stream.read; Option.isSome(part); part = yield* stream.read) {
    parts.push(part.value)
  }
  return Buffer.concat(parts)
})

export const readText = (stream: SpdyConnection.SpdyStream) => Effect.map(readAll(stream), (bytes) => bytes.toString())

/** The next `length` bytes, fewer at the end. */
export const readSome = Effect.fnUntraced(function*(stream: SpdyConnection.SpdyStream, length: number) {
  const parts: Array<Uint8Array> = []
  let have = 0
  while (have < length) {
    const part = yield* stream.read
    if (Option.isNone(part)) break
    parts.push(part.value)
    have += part.value.length
  }
  return Buffer.concat(parts)
})

/** Opens `path` and the streams named; `error` is always among them. */
export const shell = Effect.fnUntraced(function*(
  port: number,
  path: string,
  names: ReadonlyArray<"stdin" | "stdout" | "stderr" | "resize">
) {
  const { headers, socket } = yield* upgrade(port, path, { "x-stream-protocol-version": "v4.channel.k8s.io" })
  const connection = yield* SpdyConnection.make(socket, "client")
  const open = (name: string) => connection.open(new Map([["streamType", name]]))
  const error = yield* open("error")
  const streams: Partial<Record<string, SpdyConnection.SpdyStream>> = {}
  for (const name of names) {
    streams[name] = yield* open(name)
  }
  const get = (name: string) =>
    streams[name] ?? (() => {
      throw new Error(`no stream ${name}`)
    })()
  return { protocol: headers["x-stream-protocol-version"], connection, socket, error, get }
})

/** One connection to a port of a pod. */
export const forward = Effect.fnUntraced(function*(
  connection: SpdyConnection.SpdyConnection,
  port: number,
  requestID: number
) {
  const headers = (streamType: string) =>
    new Map([["streamType", streamType], ["port", String(port)], ["requestID", String(requestID)]])
  const error = yield* connection.open(headers("error"))
  yield* error.end
  const data = yield* connection.open(headers("data"))
  return { error, data }
})
