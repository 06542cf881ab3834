import { assert, describe, it } from "@effect/vitest"
import { Effect, Option, References } from "effect"
import * as FastCheck from "fast-check"
import { randomBytes } from "node:crypto"
import * as net from "node:net"
import * as zlib from "node:zlib"
import { BadFrame, dataHead, type Frame, FrameReader, ping, synStream } from "../../../src/layers/spdy/frames.ts"
import { dictionary, HeaderReader, HeaderWriter } from "../../../src/layers/spdy/headerBlock.ts"
import * as SpdyConnection from "../../../src/layers/spdy/SpdyConnection.ts"

describe("header blocks", () => {
  it("use the dictionary of SPDY/3", () => {
    assert.strictEqual(dictionary.length, 1423)
    // Its Adler-32, which the zlib header of every stream names.
    assert.strictEqual(zlib.deflateSync("", { dictionary }).subarray(2, 6).toString("hex"), "e3c6a7c2")
  })

  it("are read as zlib writes them, one after the other", async () => {
    const deflate = zlib.createDeflate({ dictionary })
    const out: Array<Buffer> = []
    deflate.on("data", (part: Buffer) => out.push(part))
    const plain = new HeaderWriter()
    const reader = new HeaderReader()
    for (const name of ["stdin", "stdout", "stderr"]) {
      const headers = new Map([["streamtype", name], ["port", "80"]])
      // The text of a block, taken out of the stored form.
      const stored = plain.write(headers)
      const text = stored.subarray(name === "stdin" ? 7 : 5, -5)
      out.length = 0
      await new Promise<void>((resolve) => {
        deflate.write(text)
        deflate.flush(zlib.constants.Z_SYNC_FLUSH, () => resolve())
      })
      assert.deepStrictEqual(reader.read(Buffer.concat(out)), headers)
    }
  })

  it("are written so that zlib reads them, one after the other", async () => {
    const inflate = zlib.createInflate({ dictionary })
    const writer = new HeaderWriter()
    const reader = new HeaderReader()
    for (const value of ["a", "b".repeat(70_000)]) {
      const block = writer.write(new Map([["Name", value]]))
      const text = new Promise<Buffer>((resolve) => {
        const parts: Array<Buffer> = []
        inflate.on("data", (part: Buffer) => {
          parts.push(part)
          if (Buffer.concat(parts).length === 4 + 4 + 4 + 4 + value.length) {
            inflate.removeAllListeners("data")
            resolve(Buffer.concat(parts))
          }
        })
      })
      inflate.write(block)
      assert.include((await text).toString(), value)
      assert.deepStrictEqual(reader.read(block), new Map([["name", value]]))
    }
  })
})

describe("frames", () => {
  const read = (input: Buffer, sizes: ReadonlyArray<number>): ReadonlyArray<Frame> => {
    const reader = new FrameReader()
    const frames: Array<Frame> = []
    let at = 0
    for (const size of [...sizes, input.length]) {
      frames.push(...reader.read(input.subarray(at, at + size)))
      at = Math.min(input.length, at + size)
    }
    return frames
  }
  const join = (frames: ReadonlyArray<Frame>) => {
    const data: Record<number, string> = {}
    const rest: Array<string> = []
    for (const frame of frames) {
      if (frame._tag === "Data") {
        data[frame.id] = (data[frame.id] ?? "") + frame.bytes.toString() + (frame.fin ? "." : "")
      } else {
        rest.push(`${frame._tag} ${"id" in frame ? frame.id : ""}`)
      }
    }
    return { data, rest }
  }

  it("are the same however they arrive", () => {
    const input = Buffer.concat([
      synStream(1, new HeaderWriter().write(new Map([["a", "b"]]))),
      ping(0xfffffff0),
      dataHead(1, 5, false),
      Buffer.from("hello"),
      dataHead(3, 0, true),
      dataHead(1, 6, true),
      Buffer.from(" world")
    ])
    const want = { data: { 1: "hello world.", 3: "." }, rest: ["SynStream 1", "Ping 4294967280"] }
    FastCheck.assert(FastCheck.property(FastCheck.array(FastCheck.nat(20)), (sizes) => {
      assert.deepStrictEqual(join(read(input, sizes)), want)
    }))
  })

  it("of another protocol are refused", () => {
    assert.throws(() => read(Buffer.from("\x80\x02\x00\x01\x00\x00\x00\x00", "latin1"), []), BadFrame)
    assert.throws(() => read(Buffer.from([0x80, 3, 0, 1, 0, 0xff, 0xff, 0xff]), []), BadFrame)
  })
})

const pair = Effect.gen(function*() {
  const sockets = yield* Effect.acquireRelease(
    Effect.callback<readonly [net.Socket, net.Socket]>((resume) => {
      const server = net.createServer({ allowHalfOpen: true }, (peer) => {
        server.close()
        resume(Effect.succeed([client, peer]))
      })
      let client: net.Socket
      server.listen(0, "127.0.0.1", () => {
        client = net.connect({ port: (server.address() as net.AddressInfo).port, allowHalfOpen: true })
      })
    }),
    (both) => Effect.sync(() => both.forEach((socket) => socket.destroy()))
  )
  return {
    client: yield* SpdyConnection.make(sockets[0], "client"),
    server: yield* SpdyConnection.make(sockets[1], "server"),
    sockets
  }
})

const readAll = Effect.fnUntraced(function*(stream: SpdyConnection.SpdyStream) {
  const parts: Array<Uint8Array> = []
  for (let part = yield* stream.read; Option.isSome(part); part = yield* stream.read) {
    parts.push(part.value)
  }
  return Buffer.concat(parts)
})

describe("a connection", () => {
  it.live("carries many streams with headers, both ways, to their ends", () =>
    Effect.gen(function*() {
      const { client, server } = yield* pair
      const data = randomBytes(1_000_000)
      yield* Effect.forkChild(Effect.forever(Effect.gen(function*() {
        const stream = yield* server.accept
        yield* Effect.forkChild(Effect.gen(function*() {
          const all = yield* readAll(stream)
          yield* stream.write(Buffer.from(`${stream.headers.get("streamtype")}:${all.equals(data)}`))
          yield* stream.end
        }))
      })))
      yield* Effect.forEach(["a", "b", "c"], (name) =>
        Effect.gen(function*() {
          const stream = yield* client.open(new Map([["streamType", name]]))
          yield* stream.write(data)
          yield* stream.end
          assert.strictEqual((yield* readAll(stream)).toString(), `${name}:true`)
        }), { concurrency: "unbounded" })
    }))

  it.live("opens streams in the order of their ids, however their fibers take turns", () =>
    Effect.gen(function*() {
      const { client, sockets } = yield* pair
      const ids: Array<number> = []
      const frames = new FrameReader()
      const write = sockets[0].write.bind(sockets[0])
      sockets[0].write = (bytes: Uint8Array) => {
        for (const frame of frames.read(Buffer.from(bytes))) if (frame._tag === "SynStream") ids.push(frame.id)
        return write(bytes)
      }
      // The shorter a turn, the later in a list a fiber may come to the same point.
      const turns = [5, 7, 11, 13, 17, 19, 23, 29]
      yield* Effect.forEach(turns, (operations) =>
        Effect.forEach(Array.from({ length: 5 }), () =>
          client.open(new Map([["streamType", "data"]])), {
          discard: true
        }).pipe(Effect.provideService(References.MaxOpsBeforeYield, operations)), { concurrency: "unbounded" })
      assert.deepStrictEqual(
        ids,
        Array.from({ length: 40 }, (_, index) =>
          2 * index + 1)
      )
    }))

  it.live("that has ended ends its streams and its openings", () =>
    Effect.gen(function*() {
      const { client, server, sockets } = yield* pair
      const stream = yield* client.open(new Map())
      yield* server.accept
      sockets[1].destroy()
      assert.isTrue(Option.isNone(yield* stream.read))
      yield* client.closed
      assert.strictEqual((yield* Effect.flip(client.accept))._tag, "SpdyClosed")
    }))

  it.live("with a peer that speaks something else ends", () =>
    Effect.gen(function*() {
      const { server, sockets } = yield* pair
      sockets[0].write("\x80GET / HTTP/1.1\r\n\r\n", "latin1")
      assert.match((yield* Effect.flip(server.accept)).why, /not a frame/)
    }))
})
