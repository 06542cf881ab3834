/** The API server for a node that another process could be running by now: nothing is written without its shard's lock. */
import { Context, Effect, Layer } from "effect"
import type { ShardId } from "effect/cluster"
import { Retryable } from "../../domain/failure.ts"
import { HeartbeatApi } from "../api/HeartbeatApi.ts"
import { ApiError, KubeApi } from "../api/KubeApi.ts"
import { ShardLocks } from "./ShardLocks.ts"

type Api = KubeApi["Service"]

const fenced = (api: Api, locks: ShardLocks["Service"], shard: ShardId.ShardId): Api => {
  const write = <A>(op: string, target: string, call: Effect.Effect<A, ApiError>) =>
    Effect.flatMap(locks.holds(shard), (holds) =>
      holds ? call : Effect.fail(
        new ApiError({
          op,
          target,
          reason: new Retryable({}),
          status: 0,
          statusReason: "",
          detail: `the lock of shard ${shard} has run out: another process may run the node`
        })
      ))
  return {
    ...api,
    create: (resource, object, options) =>
      write(`create ${resource.plural}`, object.metadata.name ?? "", api.create(resource, object, options)),
    update: (resource, object, options) =>
      write(`update ${resource.plural}`, object.metadata.name ?? "", api.update(resource, object, options)),
    patch: (resource, target, patch, options) =>
      write(`patch ${resource.plural}`, target.name, api.patch(resource, target, patch, options)),
    delete: (resource, target, options) =>
      write(`delete ${resource.plural}`, target.name, api.delete(resource, target, options)),
    request: (request) =>
      request.method === "GET"
        ? api.request(request)
        : write(request.method.toLowerCase(), request.path, api.request(request))
  }
}

/** To be provided with the ways to the API server that it stands before. */
export const layer = (
  shard: ShardId.ShardId
): Layer.Layer<KubeApi | HeartbeatApi, never, KubeApi | HeartbeatApi | ShardLocks> =>
  Layer.effectContext(Effect.gen(function*() {
    const locks = yield* ShardLocks
    return Context.make(KubeApi, fenced(yield* KubeApi, locks, shard)).pipe(
      Context.add(HeartbeatApi, fenced(yield* HeartbeatApi, locks, shard))
    )
  }))
