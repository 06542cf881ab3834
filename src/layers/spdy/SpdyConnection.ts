/**
 * SPDY/3.1 over a connection, as Kubernetes speaks it for exec, attach and port-forward: many streams with headers, each
 * with a half-close of its own. There is no flow control but the connection's: a stream nobody reads stops them all, as
 * with every other implementation in use.
 */
import { Effect, Fiber, Option, Queue, Schema, type Scope } from "effect"
import { Buffer } from "node:buffer"
import type { Duplex } from "node:stream"
import { BadFrame, dataHead, type Frame, FrameReader, goAway, ping, reset, synReply, synStream } from "./frames.ts"
import { HeaderReader, HeaderWriter, type SpdyHeaders } from "./headerBlock.ts"

export type { SpdyHeaders } from "./headerBlock.ts"

/** The connection has ended, or the peer does not keep to the protocol. */
export class SpdyClosed extends Schema.TaggedError<SpdyClosed>()("SpdyClosed", {
  why: Schema.String
}) {
  override get message(): string {
    return `SPDY connection closed: ${this.why}`
  }
}

export interface SpdyStream {
  /** As the stream was opened, names in lower case. */
  readonly headers: SpdyHeaders
  /** The next bytes from the peer; none once it has ended its side, or the connection has ended. */
  readonly read: Effect.Effect<Option.Option<Uint8Array>>
  /** Waits while the peer does not keep up. */
  readonly write: (bytes: Uint8Array) => Effect.Effect<void, SpdyClosed>
  /** Nothing more will be written. */
  readonly end: Effect.Effect<void>
  /** Gives the stream up, in both directions. */
  readonly reset: Effect.Effect<void>
}

export interface SpdyConnection {
  /** The next stream the peer opens. */
  readonly accept: Effect.Effect<SpdyStream, SpdyClosed>
  readonly open: (headers: SpdyHeaders) => Effect.Effect<SpdyStream, SpdyClosed>
  /** Ends when the connection has ended. */
  readonly closed: Effect.Effect<void>
}

const streamBuffers = 8
const maxFrameBytes = 64 * 1024
const maxStreams = 2048

/** Speaks over `socket` until the scope ends, which closes it. */
export const make = Effect.fnUntraced(function*(
  socket: Duplex,
  role: "client" | "server"
): Effect.fn.Return<SpdyConnection, never, Scope.Scope> {
  const accepted = yield* Queue.unbounded<SpdyStream, SpdyClosed>()
  const state = new ConnectionState(socket, role, accepted)
  yield* Effect.addFinalizer(() => Effect.sync(() => state.goodbye()))
  const reader = yield* Effect.forkScoped(readFrames(socket, state))
  return {
    accept: Queue.take(accepted),
    open: (headers) => state.open(headers),
    closed: Effect.asVoid(Fiber.await(reader))
  }
})

type Inbox = Queue.Queue<Uint8Array, SpdyClosed>

const makeInbox: Effect.Effect<Inbox> = Queue.bounded<Uint8Array, SpdyClosed>(streamBuffers)

class ConnectionState {
  readonly #socket: Duplex
  readonly #accepted: Queue.Queue<SpdyStream, SpdyClosed>
  readonly #inboxes = new Map<number, Inbox>()
  readonly #headersIn = new HeaderReader()
  readonly #headersOut = new HeaderWriter()
  #nextId: number
  #lastPeerId = 0

  constructor(socket: Duplex, role: "client" | "server", accepted: Queue.Queue<SpdyStream, SpdyClosed>) {
    this.#socket = socket
    this.#accepted = accepted
    this.#nextId = role === "client" ? 1 : 2
  }

  open(headers: SpdyHeaders): Effect.Effect<SpdyStream, SpdyClosed> {
    // One step from the id to the wire: peers want ids to grow, and a header can only be read after those before it.
    return Effect.flatMap(makeInbox, (inbox) => {
      const id = this.#nextId
      this.#nextId += 2
      const stream = this.#makeStream(id, headers, inbox)
      return Effect.as(this.#put(synStream(id, this.#headersOut.write(headers))), stream)
    })
  }

  /** Whatever a frame asks for; waits where its reader is behind. */
  handle(frame: Frame): Effect.Effect<void, SpdyClosed> {
    switch (frame._tag) {
      case "SynStream":
        return this.#accept(frame)
      case "SynReply":
      case "Headers":
        // Read for the sake of the compression, which goes on from here.
        this.#headersIn.read(frame.block)
        return frame.fin ? this.#peerEnded(frame.id) : Effect.void
      case "Data":
        return this.#data(frame)
      case "Reset":
        return this.#peerEnded(frame.id)
      case "Ping":
        return this.#send(ping(frame.id))
      case "GoAway":
        return Effect.void
    }
  }

  end(error: SpdyClosed): Effect.Effect<void> {
    return Effect.suspend(() => {
      const inboxes = [...this.#inboxes.values()]
      this.#inboxes.clear()
      return Effect.andThen(
        Effect.forEach(inboxes, (inbox) => Queue.fail(inbox, error), { discard: true }),
        Effect.asVoid(Queue.fail(this.#accepted, error))
      )
    })
  }

  goodbye(): void {
    if (this.#socket.writable) {
      this.#socket.end(goAway(this.#lastPeerId))
    }
  }

  #accept({ block, fin, id }: Extract<Frame, { _tag: "SynStream" }>): Effect.Effect<void, SpdyClosed> {
    const headers = this.#headersIn.read(block)
    if (this.#inboxes.size >= maxStreams) {
      return this.#send(reset(id))
    }
    this.#lastPeerId = id
    return Effect.flatMap(makeInbox, (inbox) => {
      const stream = this.#makeStream(id, headers, inbox)
      return this.#put(synReply(id, this.#headersOut.write(new Map()))).pipe(
        Effect.andThen(fin ? this.#peerEnded(id) : Effect.void),
        Effect.andThen(Effect.asVoid(Queue.offer(this.#accepted, stream)))
      )
    })
  }

  #data({ bytes, fin, id }: Extract<Frame, { _tag: "Data" }>): Effect.Effect<void> {
    const inbox = this.#inboxes.get(id)
    if (inbox === undefined) {
      return Effect.void
    }
    const offer = bytes.length === 0 ? Effect.void : Effect.asVoid(Queue.offer(inbox, bytes))
    return fin ? Effect.andThen(offer, this.#peerEnded(id)) : offer
  }

  #peerEnded(id: number): Effect.Effect<void> {
    const inbox = this.#inboxes.get(id)
    this.#inboxes.delete(id)
    return inbox === undefined
      ? Effect.void
      : Effect.asVoid(Queue.fail(inbox, new SpdyClosed({ why: "end of stream" })))
  }

  #makeStream(id: number, headers: SpdyHeaders, inbox: Inbox): SpdyStream {
    this.#inboxes.set(id, inbox)
    let ended = false
    return {
      headers,
      read: Queue.take(inbox).pipe(Effect.map(Option.some), Effect.catch(() => Effect.succeedNone)),
      write: (bytes) => this.#write(id, bytes),
      end: Effect.suspend(() => {
        if (ended) {
          return Effect.void
        }
        ended = true
        return Effect.ignore(this.#send(dataHead(id, 0, true)))
      }),
      reset: Effect.suspend(() => Effect.andThen(this.#peerEnded(id), Effect.ignore(this.#send(reset(id)))))
    }
  }

  #write(id: number, bytes: Uint8Array): Effect.Effect<void, SpdyClosed> {
    return Effect.suspend(() => {
      if (bytes.length <= maxFrameBytes) {
        return this.#send(dataHead(id, bytes.length, false), bytes)
      }
      return Effect.andThen(
        this.#write(id, bytes.subarray(0, maxFrameBytes)),
        this.#write(id, bytes.subarray(maxFrameBytes))
      )
    })
  }

  #send(...parts: ReadonlyArray<Uint8Array>): Effect.Effect<void, SpdyClosed> {
    return Effect.suspend(() => this.#put(...parts))
  }

  /** Writes at once; what it gives waits while the peer does not keep up. */
  #put(...parts: ReadonlyArray<Uint8Array>): Effect.Effect<void, SpdyClosed> {
    const socket = this.#socket
    if (!socket.writable) {
      return Effect.fail(new SpdyClosed({ why: "the connection has ended" }))
    }
    return socket.write(parts.length === 1 ? parts[0] : Buffer.concat(parts)) ? Effect.void : drained(socket)
  }
}

const drained = (socket: Duplex): Effect.Effect<void, SpdyClosed> =>
  Effect.callback<void, SpdyClosed>((resume) => {
    const onDrain = () => {
      forget()
      resume(Effect.void)
    }
    const onClose = () => {
      forget()
      resume(Effect.fail(new SpdyClosed({ why: "the connection was closed" })))
    }
    const forget = () => {
      socket.off("drain", onDrain)
      socket.off("close", onClose)
    }
    socket.on("drain", onDrain)
    socket.on("close", onClose)
    return Effect.sync(forget)
  })

const readFrames = (socket: Duplex, state: ConnectionState): Effect.Effect<void> => {
  const frames = new FrameReader()
  return Effect.forever(
    Effect.flatMap(nextBytes(socket), (bytes) =>
      Effect.forEach(
        frames.read(bytes),
        (frame) => Effect.try({ try: () => state.handle(frame), catch: badFrame }).pipe(Effect.flatten),
        { discard: true }
      ).pipe(
        Effect.catchDefect((defect) => defect instanceof BadFrame ? Effect.fail(badFrame(defect)) : Effect.die(defect))
      ))
  ).pipe(Effect.catch((error) => state.end(error)))
}

const badFrame = (cause: unknown): SpdyClosed =>
  new SpdyClosed({ why: cause instanceof Error ? cause.message : String(cause) })

const nextBytes = (socket: Duplex): Effect.Effect<Buffer, SpdyClosed> =>
  Effect.callback<Buffer, SpdyClosed>((resume) => {
    const look = () => {
      const bytes = socket.read() as Buffer | null
      if (bytes !== null) {
        forget()
        resume(Effect.succeed(bytes))
      } else if (socket.readableEnded || socket.destroyed) {
        forget()
        resume(Effect.fail(new SpdyClosed({ why: "the peer has left" })))
      }
    }
    const forget = () => {
      socket.off("readable", look)
      socket.off("end", look)
      socket.off("close", look)
    }
    // Not one handler for the life of the connection: between two calls the stream is to hold back.
    socket.on("readable", look)
    socket.on("end", look)
    socket.on("close", look)
    look()
    return Effect.sync(forget)
  })
