/**
 * Nodes that several processes share: each is an entity of the cluster engine, run by the one process that has its
 * shard, and taken over by another when that process is gone.
 */
import { Console, Effect, Layer, Schedule } from "effect"
import { ClusterSchema, Entity } from "effect/cluster"
import { Rpc } from "effect/rpc"
import type { HeartbeatApi } from "../../layers/api/HeartbeatApi.ts"
import type { KubeApi } from "../../layers/api/KubeApi.ts"
import * as Engine from "../../layers/cluster/Engine.ts"
import * as FencedApi from "../../layers/cluster/FencedApi.ts"

export interface SharedNodes {
  readonly engine: Engine.EngineOptions
  readonly names: ReadonlyArray<string>
  /** Runs for ever, until it is interrupted. */
  readonly node: (index: number) => Effect.Effect<never, never, KubeApi | HeartbeatApi>
}

/** Never answered: kept by the engine, it is what begins the node on whoever has its shard. */
const Run = Rpc.make("Run", { payload: {}, primaryKey: () => "run" })
  .annotate(ClusterSchema.Persisted, true)
  .annotate(ClusterSchema.InterruptOnTermination, true)

const SimulatedNode = Entity.make("SimulatedNode", [Run])

const counted = (names: ReadonlyArray<string>, runner: string) => {
  let here = 0
  let said = 0
  const tell = Effect.suspend(() => {
    if (here === said) return Effect.void
    said = here
    return Console.log(`${runner}: ${here} of ${names.length} nodes run here`)
  })
  return {
    while: <A, E, R>(effect: Effect.Effect<A, E, R>) =>
      Effect.acquireUseRelease(
        Effect.sync(() => void (here += 1)),
        () => effect,
        () => Effect.sync(() => void (here -= 1))
      ),
    /** Counts settle within a second of each change. */
    telling: Effect.repeat(tell, Schedule.spaced("1 second"))
  }
}

/** Runs for ever. */
export const sharedNodes = ({ engine, names, node }: SharedNodes) => {
  const counter = counted(names, `runner ${engine.host}:${engine.port}`)
  const indexes = new Map(names.map((name, index) => [name, index]))
  const entities = SimulatedNode.toLayer(
    Effect.gen(function*() {
      const { entityId, shardId } = yield* Entity.CurrentAddress
      const index = indexes.get(entityId)
      return SimulatedNode.of({
        // One that another process was told to have, and this one was not: nobody here knows what it is like.
        Run: () =>
          index === undefined
            ? Effect.never
            : counter.while(node(index)).pipe(
              Effect.provide(Layer.fresh(FencedApi.layer(shardId)))
            )
      })
    }),
    { maxIdleTime: "Infinity", concurrency: "unbounded" }
  )
  // The same message from every process, at every start: the engine keeps the first.
  const begin = Effect.gen(function*() {
    const client = yield* SimulatedNode.client
    yield* Effect.forEach(names, (name) => client(name).Run({}, { discard: true }), { concurrency: 16, discard: true })
      .pipe(Effect.retry(Schedule.spaced("1 second")))
  })
  const whole = Layer.effectDiscard(Effect.forkScoped(Effect.all([begin, counter.telling], {
    concurrency: "unbounded",
    discard: true
  }))).pipe(Layer.provideMerge(entities), Layer.provide(Engine.layer(engine)))
  return Layer.launch(whole)
}
