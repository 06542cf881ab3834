/**
 * Effect's cluster engine, as simulated nodes use it: runners find each other in a database, share the shards among
 * themselves, and take over those of a runner that is gone.
 */
import * as NodeClusterSocket from "@effect/platform-node/NodeClusterSocket"
import * as NodeCrypto from "@effect/platform-node/NodeCrypto"
import { type Config, Duration, Effect, Layer, Option, Redacted, Schema } from "effect"
import { RunnerAddress, type Sharding, ShardingConfig, SqlMessageStorage, SqlRunnerStorage } from "effect/cluster"
import type { SocketServer } from "effect/socket"
import { SqlClient, type SqlError } from "effect/sql"
import * as ShardLocks from "./ShardLocks.ts"
import * as SqliteClient from "./SqliteClient.ts"

export interface EngineOptions {
  /** `sqlite:<path>`, or `postgres://…`. */
  readonly database: string
  /** Where other runners reach this one. */
  readonly host: string
  readonly port: number
  /** A runner that is silent for so long is gone: its locks have run out. Whole seconds, three at least. */
  readonly takeoverMs: number
}

/** No such kind of database. */
export class UnknownDatabase extends Schema.TaggedError<UnknownDatabase>()("UnknownDatabase", {
  database: Schema.String
}) {
  override get message(): string {
    return `--cluster: "${this.database}" is neither sqlite:<path> nor postgres://<user>@<host>/<name>`
  }
}

/** Everything that has to happen for a takeover happens several times before the locks run out. */
const timing = (takeoverMs: number) => ({
  shardLockExpiration: Duration.millis(takeoverMs),
  shardLockRefreshInterval: Duration.millis(takeoverMs / 4),
  refreshAssignmentsInterval: Duration.millis(Math.min(2000, takeoverMs / 4)),
  runnerHealthCheckInterval: Duration.millis(takeoverMs / 4),
  entityMessagePollInterval: Duration.millis(Math.min(5000, takeoverMs / 4))
})

const clientOf = (
  database: string
): Layer.Layer<SqlClient.SqlClient, SqlError.SqlError | UnknownDatabase> => {
  const [, scheme, rest = ""] = /^([a-z]+):(.*)$/.exec(database) ?? []
  if (scheme === "sqlite" && rest !== "") return SqliteClient.layer(rest)
  if (scheme === "postgres" || scheme === "postgresql") {
    // Loaded for who uses it.
    return Layer.unwrap(Effect.map(
      Effect.promise(() => import("@effect/sql-pg/PgClient")),
      (PgClient) => PgClient.layer({ url: Redacted.make(database) })
    ))
  }
  return Layer.effect(SqlClient.SqlClient)(Effect.fail(new UnknownDatabase({ database })))
}

export const layer = (
  { database, host, port, takeoverMs }: EngineOptions
): Layer.Layer<
  Sharding.Sharding | ShardLocks.ShardLocks,
  SqlError.SqlError | UnknownDatabase | SocketServer.SocketServerError | Config.ConfigError
> => {
  const shardingConfig: Partial<ShardingConfig.ShardingConfig["Service"]> = {
    ...timing(takeoverMs),
    runnerAddress: Option.some(RunnerAddress.make(host, port)),
    maxResidentEntities: "unbounded",
    // A process asks its own nodes nothing that would have to be the same on another host.
    simulateRemoteSerialization: false
  }
  const storage = ShardLocks.layer.pipe(
    Layer.provide(SqlRunnerStorage.layer),
    Layer.merge(SqlMessageStorage.layer.pipe(Layer.provide(NodeCrypto.layerDigest))),
    Layer.provide(clientOf(database)),
    Layer.provide(ShardingConfig.layer(shardingConfig))
  )
  return NodeClusterSocket.layer({ storage: "byo", shardingConfig }).pipe(
    Layer.provideMerge(storage)
  )
}
