/**
 * Which shards this process may act for. The engine takes locks and gives them up; here is kept until when each is sure
 * to be ours, so that a process that was frozen for longer than its locks does nothing more when it wakes.
 */
import { Clock, Context, Duration, Effect, Layer } from "effect"
import { RunnerStorage, type ShardId, ShardingConfig } from "effect/cluster"

export class ShardLocks extends Context.Service<ShardLocks, {
  /** True while nobody else can have the shard. */
  readonly holds: (shard: ShardId.ShardId) => Effect.Effect<boolean>
}>()("kubeffect/layers/cluster/ShardLocks") {}

type Shards = ReadonlyArray<ShardId.ShardId>

/** To be provided with the storage that it watches. */
export const layer: Layer.Layer<
  ShardLocks | RunnerStorage.RunnerStorage,
  never,
  RunnerStorage.RunnerStorage | ShardingConfig.ShardingConfig
> = Layer.effectContext(Effect.gen(function*() {
  const inner = yield* RunnerStorage.RunnerStorage
  const { shardLockExpiration } = yield* ShardingConfig.ShardingConfig
  const lifeMs = Duration.toMillis(Duration.fromInputUnsafe(shardLockExpiration))
  const sureUntil = new Map<string, number>()
  // The storage counts from when it was asked or later.
  const noting = <E>(ask: Effect.Effect<Array<ShardId.ShardId>, E>, lost: (got: Shards) => void = () => {}) =>
    Effect.gen(function*() {
      const askedAt = yield* Clock.currentTimeMillis
      const got = yield* ask
      lost(got)
      for (const shard of got) sureUntil.set(shard.toString(), askedAt + lifeMs)
      return got
    })
  const storage = RunnerStorage.RunnerStorage.of({
    ...inner,
    acquire: (address, shards) => noting(inner.acquire(address, shards)),
    refresh: (address, shards) => {
      const asked = [...shards]
      return noting(inner.refresh(address, asked), () => {
        for (const shard of asked) sureUntil.delete(shard.toString())
      })
    },
    release: (address, shard) =>
      Effect.andThen(Effect.sync(() => sureUntil.delete(shard.toString())), inner.release(address, shard)),
    releaseAll: (address) => Effect.andThen(Effect.sync(() => sureUntil.clear()), inner.releaseAll(address))
  })
  const locks = ShardLocks.of({
    holds: (shard) =>
      Effect.map(Clock.currentTimeMillis, (now) => now < (sureUntil.get(shard.toString()) ?? Number.NEGATIVE_INFINITY))
  })
  return Context.make(RunnerStorage.RunnerStorage, storage).pipe(Context.add(ShardLocks, locks))
}))
