/**
 * Effect's SQL client on the SQLite that Node has. One connection, one statement at a time; other processes may use the
 * same file, and a statement waits a bounded time for them.
 */
import { Context, Effect, Layer, Semaphore, Stream } from "effect"
import { Reactivity } from "effect/reactivity"
import { SqlClient, type SqlConnection, SqlError, Statement } from "effect/sql"
import { DatabaseSync, type SQLInputValue, type StatementSync } from "node:sqlite"

/** The process waits in the call itself: longer, and its nodes would miss their leases. */
const busyMs = 2000

/** Node has SQLite's own code in a place where no other driver has it. */
const withCode = (cause: unknown): unknown =>
  cause instanceof Error && "errcode" in cause ? Object.assign(cause, { errno: cause.errcode }) : cause

const failed = (operation: string) => (cause: unknown) =>
  new SqlError.SqlError({
    reason: SqlError.classifySqliteError(withCode(cause), {
      message: cause instanceof Error ? `SQLite: ${cause.message}` : "SQLite failed",
      operation
    })
  })

const isInput = (value: unknown): value is SQLInputValue =>
  value === null || ["string", "number", "bigint"].includes(typeof value) || ArrayBuffer.isView(value)

/** What SQLite has no type for, as what it has. */
const input = (value: unknown): SQLInputValue => {
  if (isInput(value)) return value
  if (typeof value === "boolean") return value ? 1 : 0
  return value === undefined ? null : String(value)
}

type Rows = ReadonlyArray<Record<string, unknown>>

const connectionOf = (db: DatabaseSync): SqlConnection.Connection => {
  const attempt = <A>(sql: string, use: (statement: StatementSync) => A) =>
    Effect.withFiber<A, SqlError.SqlError>((fiber) => {
      const bigInts = Context.get(fiber.context, SqlClient.SafeIntegers)
      return Effect.try({
        try: () => {
          const statement = db.prepare(sql)
          statement.setReadBigInts(bigInts)
          return use(statement)
        },
        catch: failed("execute")
      })
    })
  const rows = (sql: string, params: ReadonlyArray<unknown>) =>
    attempt(sql, (statement): Rows => statement.all(...params.map(input)))
  const values = (sql: string, params: ReadonlyArray<unknown>) =>
    attempt(sql, (statement): ReadonlyArray<ReadonlyArray<unknown>> => {
      statement.setReturnArrays(true)
      const found: ReadonlyArray<unknown> = statement.all(...params.map(input))
      return found.filter((row) => Array.isArray(row))
    })
  const execute: SqlConnection.Connection["execute"] = (sql, params, transformRows) =>
    transformRows === undefined ? rows(sql, params) : Effect.map(rows(sql, params), transformRows)
  return {
    execute,
    executeUnprepared: execute,
    executeRaw: (sql, params) => attempt(sql, (statement) => statement.run(...params.map(input))),
    executeValues: values,
    executeValuesUnprepared: values,
    executeStream: (sql, params, transformRows) =>
      Stream.unwrap(Effect.map(execute(sql, params, transformRows), (all) => Stream.fromIterable(all)))
  }
}

const make = Effect.fnUntraced(function*(path: string) {
  const db = yield* Effect.acquireRelease(
    Effect.try({
      try: () => {
        const opened = new DatabaseSync(path, { timeout: busyMs })
        opened.exec("PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL")
        return opened
      },
      catch: failed("open")
    }),
    (opened) => Effect.sync(() => opened.close())
  )
  return yield* SqlClient.make({
    ...SqlClient.makeSqliteAcquirers({
      connection: Effect.succeed(connectionOf(db)),
      semaphore: yield* Semaphore.make(1),
      isTransaction: () => db.isTransaction
    }),
    compiler: Statement.makeCompilerSqlite(),
    driver: "sqlite-node",
    // A transaction that reads first and writes later would fail where another process wrote in between.
    beginTransaction: "BEGIN IMMEDIATE",
    spanAttributes: []
  })
})

/** The database at `path`, made when it is not there. */
export const layer = (path: string): Layer.Layer<SqlClient.SqlClient, SqlError.SqlError> =>
  Layer.effect(SqlClient.SqlClient)(make(path)).pipe(Layer.provide(Reactivity.layer))
