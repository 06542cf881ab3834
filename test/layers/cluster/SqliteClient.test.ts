import { NodeServices } from "@effect/platform-node"
import { assert, describe, it } from "@effect/vitest"
import { Effect, FileSystem, Layer, Result } from "effect"
import { SqlClient } from "effect/sql"
import * as SqliteClient from "../../../src/layers/cluster/SqliteClient.ts"

const run = <A, E>(effect: Effect.Effect<A, E, SqlClient.SqlClient>) =>
  Effect.provide(effect, Layer.fresh(SqliteClient.layer(":memory:")))

describe("SQLite under Effect's SQL client", () => {
  it.effect("values come back as they went in, in the order of their columns", () =>
    run(Effect.gen(function*() {
      const sql = yield* SqlClient.SqlClient
      yield* sql`CREATE TABLE one (id INTEGER PRIMARY KEY, name TEXT, data BLOB, flag INTEGER, absent TEXT)`
      const row = { name: "a", data: new Uint8Array([1, 2]), flag: true, absent: null }
      yield* sql`INSERT INTO one ${sql.insert(row)}`
      assert.deepStrictEqual(yield* sql`SELECT name, flag, absent FROM one`, [
        Object.assign(Object.create(null), { name: "a", flag: 1, absent: null })
      ])
      assert.deepStrictEqual(yield* sql`SELECT name, name, flag FROM one`.values, [["a", "a", 1]])
      const [{ data } = { data: undefined }] = yield* sql<{ data: Uint8Array }>`SELECT data FROM one`
      assert.deepStrictEqual([...data ?? []], [1, 2])
    })))

  it.effect("a transaction that fails leaves nothing", () =>
    run(Effect.gen(function*() {
      const sql = yield* SqlClient.SqlClient
      yield* sql`CREATE TABLE one (id INTEGER PRIMARY KEY)`
      const failed = yield* Effect.result(sql.withTransaction(
        Effect.andThen(sql`INSERT INTO one VALUES (1)`, Effect.fail("no"))
      ))
      assert.isTrue(Result.isFailure(failed))
      assert.deepStrictEqual(yield* sql`SELECT count(*) FROM one`.values, [[0]])
    })))

  it.effect("tells a key that is there already from other failures", () =>
    run(Effect.gen(function*() {
      const sql = yield* SqlClient.SqlClient
      yield* sql`CREATE TABLE one (id TEXT UNIQUE)`
      yield* sql`INSERT INTO one VALUES ('x')`
      const again = yield* Effect.flip(sql`INSERT INTO one VALUES ('x')`)
      assert.strictEqual(again.reason._tag, "UniqueViolation")
    })))

  it.live("two clients of one file see each other's rows", () =>
    Effect.gen(function*() {
      const folder = yield* (yield* FileSystem.FileSystem).makeTempDirectoryScoped()
      const client = Effect.flatMap(
        Layer.build(Layer.fresh(SqliteClient.layer(`${folder}/db`))),
        (context) => Effect.provide(SqlClient.SqlClient, context)
      )
      const [one, other] = yield* Effect.all([client, client])
      yield* one`CREATE TABLE t (id INTEGER)`
      const insert = (sql: SqlClient.SqlClient) =>
        Effect.repeat(sql.withTransaction(Effect.andThen(sql`SELECT count(*) FROM t`, sql`INSERT INTO t VALUES (1)`)), {
          times: 49
        })
      yield* Effect.all([insert(one), insert(other)], { concurrency: "unbounded" })
      assert.deepStrictEqual(yield* other`SELECT count(*) FROM t`.values, [[100]])
    }).pipe(Effect.provide(NodeServices.layer)))
})
