import { assert, describe, it } from "@effect/vitest"
import { Clock, Context, Duration, Effect, Layer, Result } from "effect"
import { RunnerAddress, RunnerStorage, ShardId, ShardingConfig } from "effect/cluster"
import { TestClock } from "effect/testing"
import { leases } from "../../../src/domain/k8s/resources.ts"
import { KubeApi } from "../../../src/layers/api/KubeApi.ts"
import * as KubeApiMemory from "../../../src/layers/api/KubeApiMemory.ts"
import * as MemoryApi from "../../../src/layers/api/memory/MemoryApi.ts"
import * as FencedApi from "../../../src/layers/cluster/FencedApi.ts"
import * as ShardLocks from "../../../src/layers/cluster/ShardLocks.ts"

const address = RunnerAddress.make("127.0.0.1", 1)
const shard = ShardId.make("default", 1)

/** Gives every lock that is asked for, until it is told to lose them. */
const made = Effect.gen(function*() {
  const inner = yield* RunnerStorage.makeMemory
  let lost = false
  const storage = RunnerStorage.RunnerStorage.of({
    ...inner,
    refresh: (at, shards) => lost ? Effect.succeed([]) : inner.refresh(at, shards)
  })
  const locks = yield* Layer.build(ShardLocks.layer.pipe(
    Layer.provide(Layer.succeed(RunnerStorage.RunnerStorage, storage)),
    Layer.provide(ShardingConfig.layer({ shardLockExpiration: Duration.seconds(20) }))
  ))
  const api = yield* MemoryApi.make()
  const fenced = yield* Layer.build(
    FencedApi.layer(shard).pipe(
      Layer.provide(KubeApiMemory.layer(api)),
      Layer.provide(Layer.succeedContext(locks))
    )
  )
  const kube = Context.get(fenced, KubeApi)
  const write = Effect.result(kube.create(leases, {
    metadata: { generateName: "node-", namespace: "kube-node-lease" },
    spec: { holderIdentity: String(yield* Clock.currentTimeMillis) }
  }))
  const mayWrite = Effect.map(write, Result.isSuccess)
  const read = Effect.map(Effect.result(kube.list(leases)), Result.isSuccess)
  return {
    storage: Context.get(locks, RunnerStorage.RunnerStorage),
    mayWrite,
    read,
    lose: () => void (lost = true)
  }
})

describe("the fence around shared nodes", () => {
  it.effect("writes pass while the shard's lock is sure to be held, and no longer", () =>
    Effect.gen(function*() {
      const { mayWrite, read, storage } = yield* made
      assert.isFalse(yield* mayWrite, "before the lock was taken")
      yield* storage.acquire(address, [shard])
      assert.isTrue(yield* mayWrite)
      yield* TestClock.adjust("19 seconds")
      assert.isTrue(yield* mayWrite)
      yield* TestClock.adjust("2 seconds")
      assert.isFalse(yield* mayWrite, "as after a freeze: another process may have it by now")
      assert.isTrue(yield* read, "reading harms nobody")
    }))

  it.effect("a refresh extends the time, counted from when it was asked for", () =>
    Effect.gen(function*() {
      const { mayWrite, storage } = yield* made
      yield* storage.acquire(address, [shard])
      yield* TestClock.adjust("15 seconds")
      yield* storage.refresh(address, [shard])
      yield* TestClock.adjust("19 seconds")
      assert.isTrue(yield* mayWrite)
      yield* TestClock.adjust("2 seconds")
      assert.isFalse(yield* mayWrite)
    }))

  it.effect("what is lost or released is closed at once", () =>
    Effect.gen(function*() {
      const { lose, mayWrite, storage } = yield* made
      yield* storage.acquire(address, [shard])
      lose()
      yield* storage.refresh(address, [shard])
      assert.isFalse(yield* mayWrite)
      yield* storage.acquire(address, [shard])
      assert.isTrue(yield* mayWrite)
      yield* storage.release(address, shard)
      assert.isFalse(yield* mayWrite)
    }))
})
