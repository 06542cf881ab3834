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
}

/** No such kind of database. */
export class UnknownDatabase extends Schema.TaggedError<UnknownDatabase>()("UnknownDatabase", {
  database: Schema.String
}) {
  override get message(): string {
    return `--cluster: "${this.database}" is neither sqlite:<path> nor postgres://<user>@<host>/<name>`
  }
}

/**
 * A runner that died loses its shards when its locks have run out, and their nodes are Ready elsewhere before the 40
 * seconds of a node's own lease are over.
 */
export const timing = {
  shardLockRefreshInterval: Duration.seconds(5),
  shardLockExpiration: Duration.seconds(20),
  refreshAssignmentsInterval: Duration.seconds(2),
  runnerHealthCheckInterval: Duration.seconds(5),
  entityMessagePollInterval: Duration.seconds(5)
}

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

/** `config`: what differs from `timing` and the engine's own defaults. */
export const layer = (
  { database, host, port }: EngineOptions,
  config: Partial<ShardingConfig.ShardingConfig["Service"]> = {}
): Layer.Layer<
  Sharding.Sharding | ShardLocks.ShardLocks,
  SqlError.SqlError | UnknownDatabase | SocketServer.SocketServerError | Config.ConfigError
> => {
  const shardingConfig: Partial<ShardingConfig.ShardingConfig["Service"]> = {
    ...timing,
    runnerAddress: Option.some(RunnerAddress.make(host, port)),
    maxResidentEntities: "unbounded",
    // A process asks its own nodes nothing that would have to be the same on another host.
    simulateRemoteSerialization: false,
    ...config
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
