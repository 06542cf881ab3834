/**
 * A connection to a D-Bus bus over its unix socket, as this process's own user. It carries calls and their answers; what
 * is called on it, or signalled, goes to listeners.
 */
import { Effect, Schema, type Scope } from "effect"
import * as Net from "node:net"
import { Failure, Permanent, Retryable, Uncertain } from "../../../domain/failure.ts"
import type { DbusValue } from "./marshal.ts"
import { decodeMessage, encodeMessage, type Message, messageType } from "./message.ts"

export class DbusError extends Schema.TaggedError<DbusError>()("DbusError", {
  reason: Failure,
  /** Of the error that was answered; empty when the bus itself failed. */
  name: Schema.String,
  detail: Schema.String,
  cause: Schema.optionalKey(Schema.Defect())
}) {
  override get message(): string {
    return this.name === "" ? this.detail : `${this.name}: ${this.detail}`
  }
}

export interface Call {
  readonly destination: string
  readonly path: string
  readonly interface: string
  readonly member: string
  readonly signature: string
  readonly body: ReadonlyArray<DbusValue>
}

export interface Connection {
  /** Waits for the answer until it is interrupted; a connection that breaks is `Uncertain`. */
  readonly call: (call: Call) => Effect.Effect<ReadonlyArray<DbusValue>, DbusError>
  /** Told of every message that is no answer, for as long as the scope lives. */
  readonly listen: (listener: (message: Message) => void) => Effect.Effect<void, never, Scope.Scope>
  /** Sends what waits for no answer: answers of its own, signals. */
  readonly send: (message: Omit<Message, "serial">) => void
  /** Its own name on the bus; empty where there is none. */
  readonly name: string
}

export const bus = {
  destination: "org.freedesktop.DBus",
  path: "/org/freedesktop/DBus",
  interface: "org.freedesktop.DBus"
} as const

const broken = (reason: Failure, detail: string, cause?: unknown) =>
  new DbusError({ reason, name: "", detail, ...(cause === undefined ? {} : { cause }) })

type Answer = Effect.Effect<ReadonlyArray<DbusValue>, DbusError>

/** What was said on the connection so far and is not answered. */
class Talk {
  readonly pending = new Map<number, (answer: Answer) => void>()
  readonly listeners = new Set<(message: Message) => void>()
  readonly #socket: Net.Socket
  #serial = 0
  #unread = new Uint8Array(0)

  constructor(socket: Net.Socket) {
    this.#socket = socket
    socket.on("data", (chunk: Buffer) => this.#read(chunk))
    socket.on("close", () => this.#end("the bus closed the connection"))
    socket.on("error", ({ message }) => this.#end(message))
  }

  send(message: Omit<Message, "serial">): number {
    this.#serial += 1
    this.#socket.write(encodeMessage({ ...message, serial: this.#serial }))
    return this.#serial
  }

  #end(detail: string): void {
    for (const resume of this.pending.values()) resume(Effect.fail(broken(new Uncertain(), detail)))
    this.pending.clear()
  }

  #read(chunk: Uint8Array): void {
    const all = new Uint8Array(this.#unread.length + chunk.length)
    all.set(this.#unread)
    all.set(chunk, this.#unread.length)
    this.#unread = all
    try {
      for (let next = decodeMessage(this.#unread); next !== undefined; next = decodeMessage(this.#unread)) {
        this.#unread = this.#unread.slice(next.size)
        this.#take(next.message)
      }
    } catch (cause) {
      // Where the next message begins is lost with this one.
      this.#end(String(cause))
      this.#socket.destroy()
    }
  }

  #take(message: Message): void {
    const { body, errorName = "", replySerial = 0, type } = message
    const resume = this.pending.get(replySerial)
    if (type === messageType.call || type === messageType.signal) {
      for (const listener of this.listeners) listener(message)
    } else if (resume !== undefined) {
      this.pending.delete(replySerial)
      const [detail] = body
      resume(
        type === messageType.answer
          ? Effect.succeed(body)
          : Effect.fail(
            new DbusError({
              reason: new Permanent(),
              name: errorName,
              detail: typeof detail === "string" ? detail : ""
            })
          )
      )
    }
  }
}

const opened = (socketPath: string) =>
  Effect.callback<Net.Socket, DbusError>((resume) => {
    const socket = Net.connect(socketPath)
    const failed = (cause: Error) => resume(Effect.fail(broken(new Retryable({}), cause.message, cause)))
    socket.once("error", failed)
    socket.once("connect", () => {
      socket.off("error", failed)
      resume(Effect.succeed(socket))
    })
    return Effect.sync(() => socket.destroy())
  })

/** The user's id in hex, of its decimal digits: the bus compares it with what the socket's credentials say. */
const ownId = (): string => Buffer.from(String(process.getuid?.() ?? 0)).toString("hex")

const authenticated = (socket: Net.Socket) =>
  Effect.callback<void, DbusError>((resume) => {
    let said = ""
    const failed = (detail: string) => resume(Effect.fail(broken(new Permanent(), detail)))
    const onData = (chunk: Buffer) => {
      said += chunk.toString("latin1")
      if (!said.includes("\r\n")) return
      socket.off("data", onData)
      if (!said.startsWith("OK ")) return failed(`the bus does not let this user in: ${said.trim()}`)
      socket.write("BEGIN\r\n")
      resume(Effect.void)
    }
    socket.on("data", onData)
    socket.once("close", () => failed("the bus closed the connection before it let anyone in"))
    socket.once("error", ({ message }) => failed(message))
    socket.write(`\0AUTH EXTERNAL ${ownId()}\r\n`)
  })

/** Closed with the scope. `direct`: a peer is at the other end and no bus, which gives out no names. */
export const connect = Effect.fnUntraced(function*(socketPath: string, options: { readonly direct?: boolean } = {}) {
  const socket = yield* Effect.acquireRelease(opened(socketPath), (one) => Effect.sync(() => one.destroy()))
  yield* authenticated(socket)
  const talk = new Talk(socket)
  const call = (call: Call): Answer =>
    Effect.callback((resume) => {
      if (socket.destroyed) return resume(Effect.fail(broken(new Retryable({}), "the connection is closed")))
      const serial = talk.send({ ...call, type: messageType.call })
      talk.pending.set(serial, resume)
      return Effect.sync(() => talk.pending.delete(serial))
    })
  const [name] = options.direct === true ? [] : yield* call({ ...bus, member: "Hello", signature: "", body: [] })
  const connection: Connection = {
    name: typeof name === "string" ? name : "",
    call,
    send: (message) => void talk.send(message),
    listen: (listener) =>
      Effect.acquireRelease(
        Effect.sync(() => void talk.listeners.add(listener)),
        () => Effect.sync(() => talk.listeners.delete(listener))
      )
  }
  return connection
})
