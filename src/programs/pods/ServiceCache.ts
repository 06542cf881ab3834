/** The Services of the cluster, for the variables every container gets of them (parity E2). */
import { Context, Effect, Latch, Layer, Result, Stream } from "effect"
import { decodeService } from "../../domain/k8s/decode.ts"
import * as resources from "../../domain/k8s/resources.ts"
import type { Service } from "../../domain/k8s/service.ts"
import type { KubeApi, KubeObject } from "../../layers/api/KubeApi.ts"
import { type Change, reflect } from "../api/reflector.ts"
import { supervise } from "../supervise.ts"

export class ServiceCache extends Context.Service<ServiceCache, {
  /** All services known, sorted by namespace and name; waits until they have been listed once. */
  readonly all: Effect.Effect<ReadonlyArray<Service>>
}>()("kubeffect/programs/pods/ServiceCache") {}

const keyOf = (object: KubeObject): string => `${object.metadata.namespace ?? ""}/${object.metadata.name ?? ""}`

/** Watches all services of the API server. */
export const layer: Layer.Layer<ServiceCache, never, KubeApi> = Layer.effect(
  ServiceCache,
  Effect.gen(function*() {
    const listed = yield* Latch.make(false)
    const services = new Map<string, Service>()

    const put = (object: KubeObject): Effect.Effect<void> => {
      const decoded = decodeService(object)
      if (Result.isFailure(decoded)) return Effect.logError(decoded.failure.message)
      return Effect.sync(() => void services.set(keyOf(object), decoded.success))
    }
    const take = Effect.fnUntraced(function*(change: Change) {
      if (change._tag === "Remove") return void services.delete(keyOf(change.object))
      if (change._tag === "Upsert") return yield* put(change.object)
      services.clear()
      yield* Effect.forEach(change.objects, put, { discard: true })
      yield* listed.open
    })
    yield* Effect.forkScoped(supervise("services", Stream.runForEach(reflect(resources.services), take)))

    return ServiceCache.of({
      all: Effect.map(
        listed.await,
        () => [...services].sort(([a], [b]) => a < b ? -1 : 1).map(([, service]) => service)
      )
    })
  })
)
