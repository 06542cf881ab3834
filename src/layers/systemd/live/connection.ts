/** A connection to a D-Bus bus, or to a peer, at a unix socket, as this process's own user. */
import type { Message, MessageBus } from "dbus-native"
import { Effect, Schema, type Scope } from "effect"
import { Failure, Permanent, Retryable, Uncertain } from "../../../domain/failure.ts"

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

export interface Connection {
  /** Waits for the answer until it is interrupted; a connection that breaks is `Uncertain`. Gives the first value. */
  readonly call: (call: Message) => Effect.Effect<unknown, DbusError>
  /** Told of the signals that `rule` asks a bus for, for as long as the scope lives; a peer sends all it has. */
  readonly listen: (
    rule: string,
    listener: (message: Message) => void
  ) => Effect.Effect<void, DbusError, Scope.Scope>
}

const bus = {
  destination: "org.freedesktop.DBus",
  path: "/org/freedesktop/DBus",
  interface: "org.freedesktop.DBus"
} as const

const broken = (reason: Failure, cause: unknown) =>
  new DbusError({ reason, name: "", detail: cause instanceof Error ? cause.message : String(cause), cause })

/** Once the socket is open the peer is there: what fails then, its refusal of this user, lasts. */
const opened = (socketPath: string) =>
  Effect.flatMap(
    Effect.promise(() => import("./dbusLibrary.ts")),
    ({ dbus }) =>
      Effect.callback<MessageBus, DbusError>((resume) => {
        // Without a timeout: the caller has one. `direct`, so that `Hello` is ours to send and its error ours to have.
        const client = dbus.createClient({ socket: socketPath, direct: true, authMethods: ["EXTERNAL"], timeout: 0 })
        const { connection } = client
        let reached = false
        connection.stream.once("connect", () => {
          reached = true
        })
        const failed = (cause: unknown) =>
          resume(
            Effect.fail(broken(reached ? new Permanent() : new Retryable({}), cause ?? "the bus closed the connection"))
          )
        connection.once("connect", () => resume(Effect.succeed(client)))
        // Stays for as long as the connection: an error that nobody hears would end the process, and calls hear theirs.
        connection.on("error", failed)
        connection.once("close", failed)
        return closed(client)
      })
  )

const closed = ({ connection }: MessageBus) => Effect.sync(() => connection.stream.destroy())

const answerOf = (client: MessageBus, call: Message) =>
  Effect.tryPromise({
    try: (signal) => client.invoke(call, { signal }),
    catch: (cause) => {
      const refused = cause instanceof Error && "reply" in cause && cause.reply !== undefined
      return refused && "dbusName" in cause && typeof cause.dbusName === "string"
        ? new DbusError({ reason: new Permanent(), name: cause.dbusName, detail: cause.message, cause })
        : broken(new Uncertain(), cause)
    }
  })

/** Closed with the scope. `direct`: a peer is at the other end and no bus, which wants to be greeted. */
export const connect = Effect.fnUntraced(function*(socketPath: string, options: { readonly direct?: boolean } = {}) {
  // Interruptible: a peer that takes the connection and says nothing must not outlast the caller's deadline.
  const client = yield* Effect.acquireRelease(opened(socketPath), closed, { interruptible: true })
  const call = (message: Message) => answerOf(client, message)
  const isBus = options.direct !== true
  if (isBus) yield* call({ ...bus, member: "Hello" })
  const connection: Connection = {
    call,
    listen: Effect.fnUntraced(function*(rule, listener) {
      yield* Effect.acquireRelease(
        Effect.sync(() => void client.connection.on("message", listener)),
        () => Effect.sync(() => client.connection.off("message", listener))
      )
      if (isBus) yield* call({ ...bus, member: "AddMatch", signature: "s", body: [rule] })
    })
  }
  return connection
})
