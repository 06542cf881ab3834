/**
 * systemd over the system bus, or by its own socket on machines without a bus. Each operation has a connection of its
 * own: they are few, and none has to care for what became of the one before.
 */
import { Effect, Layer, Queue, type Scope } from "effect"
import { NotFound, Uncertain } from "../../domain/failure.ts"
import type { UnitProperty } from "../../domain/resources/systemdProperties.ts"
import { connect, type Connection, type DbusError } from "./live/connection.ts"
import { Systemd, SystemdError } from "./Systemd.ts"

export interface SystemdOptions {
  /** Of the system bus; `/run/dbus/system_bus_socket` when absent. */
  readonly socketPath?: string
  /** systemd's own, for root; `/run/systemd/private` when absent. */
  readonly privatePath?: string
}

type Open = Effect.Effect<Connection, DbusError, Scope.Scope>

const opening = ({
  privatePath = "/run/systemd/private",
  socketPath = "/run/dbus/system_bus_socket"
}: SystemdOptions): Open =>
  connect(socketPath).pipe(
    Effect.catchReason("DbusError", "Retryable", (_, noBus) =>
      // Where neither answers, it is the bus that is missed.
      Effect.mapError(connect(privatePath, { direct: true }), () => noBus))
  )

const systemd = { destination: "org.freedesktop.systemd1", path: "/org/freedesktop/systemd1" } as const
const manager = { ...systemd, interface: "org.freedesktop.systemd1.Manager" } as const

/** As long as runtimes wait for systemd. */
const deadlineMs = 30_000

/** As an `a(sv)`: the library takes bytes as its platform has them. */
const propertyValues = (properties: ReadonlyArray<UnitProperty>) =>
  properties.map(({ name, type, value }) => [name, [type, type === "ay" ? Buffer.from(value) : value]])

const failed = (op: string, unit: string) => (error: DbusError) =>
  new SystemdError({
    op,
    unit,
    reason: error.name.endsWith(".NoSuchUnit") ? new NotFound() : error.reason,
    name: error.name,
    detail: error.message,
    cause: error
  })

/** One operation on a connection of its own, within the deadline. */
const operation = <A>(
  open: Open,
  op: string,
  unit: string,
  run: (connection: Connection) => Effect.Effect<A, DbusError | SystemdError>
): Effect.Effect<A, SystemdError> =>
  Effect.flatMap(open, run).pipe(
    Effect.scoped,
    Effect.mapError((error) => error._tag === "SystemdError" ? error : failed(op, unit)(error)),
    Effect.timeoutOrElse({
      duration: deadlineMs,
      orElse: () =>
        Effect.fail(
          new SystemdError({ op, unit, reason: new Uncertain(), name: "", detail: `no answer in ${deadlineMs} ms` })
        )
    })
  )

/** Starts a job and waits until systemd has removed it from its list; gives its result, `done` when all went well. */
const finished = Effect.fnUntraced(
  function*(connection: Connection, start: Effect.Effect<unknown, DbusError>) {
    // Before the job: what is fast would be over before anyone listens.
    const removed = yield* Queue.unbounded<readonly [job: unknown, result: unknown]>()
    const rule = `type='signal',interface='${manager.interface}',member='JobRemoved'`
    yield* connection.listen(rule, ({ body = [], member }) => {
      if (member === "JobRemoved") Queue.offerUnsafe(removed, [body[1], body[3]])
    })
    yield* connection.call({ ...manager, member: "Subscribe" })
    const job = yield* start
    while (true) {
      const [one, result] = yield* Queue.take(removed)
      if (one === job) return String(result)
    }
  },
  Effect.scoped
)

const make = (options: SystemdOptions): Systemd["Service"] => {
  const open = opening(options)
  const resetFailed = (connection: Connection, unit: string) =>
    // It is only there to be reset when something went wrong before.
    Effect.ignore(connection.call({ ...manager, member: "ResetFailedUnit", signature: "s", body: [unit] }))

  return {
    version: operation(open, "version", "systemd", (connection) =>
      connection.call({
        ...systemd,
        interface: "org.freedesktop.DBus.Properties",
        member: "Get",
        signature: "ss",
        body: [manager.interface, "Version"]
      })).pipe(Effect.map((found) => Number(/\d+/.exec(String(found))?.[0] ?? 0))),

    startTransient: Effect.fn("Systemd.startTransient")((unit: string, properties: ReadonlyArray<UnitProperty>) =>
      operation(open, "StartTransientUnit", unit, (connection) =>
        Effect.gen(function*() {
          const result = yield* finished(
            connection,
            connection.call({
              ...manager,
              member: "StartTransientUnit",
              signature: "ssa(sv)a(sa(sv))",
              body: [unit, "replace", propertyValues(properties), []]
            })
          )
          if (result === "done") return
          yield* resetFailed(connection, unit)
          return yield* new SystemdError({
            op: "StartTransientUnit",
            unit,
            reason: new Uncertain(),
            name: "",
            detail: `error creating systemd unit \`${unit}\`: got \`${result}\``
          })
        })).pipe(
          Effect.catchIf(({ name }) => name === "org.freedesktop.systemd1.UnitExists", () => Effect.void)
        )
    ),

    setProperties: Effect.fn("Systemd.setProperties")((unit: string, properties: ReadonlyArray<UnitProperty>) =>
      operation(open, "SetUnitProperties", unit, (connection) =>
        Effect.asVoid(connection.call({
          ...manager,
          member: "SetUnitProperties",
          signature: "sba(sv)",
          body: [unit, true, propertyValues(properties)]
        })))
    ),

    stop: Effect.fn("Systemd.stop")((unit: string) =>
      operation(open, "StopUnit", unit, (connection) =>
        Effect.gen(function*() {
          const stop = connection.call({ ...manager, member: "StopUnit", signature: "ss", body: [unit, "replace"] })
          const result = yield* finished(connection, stop)
          if (result !== "done") yield* Effect.logWarning(`error removing unit ${unit}: got ${result}`)
          yield* resetFailed(connection, unit)
        })).pipe(
          Effect.catchReason("SystemdError", "NotFound", () => Effect.void)
        )
    )
  }
}

export const layer = (options: SystemdOptions = {}): Layer.Layer<Systemd> => Layer.succeed(Systemd, make(options))
