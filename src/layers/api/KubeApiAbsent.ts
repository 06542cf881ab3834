/**
 * `KubeApi` of a node that stands alone (parity A10): there is no API server. Collections are empty and never change,
 * objects do not exist, and nothing can be written.
 */
import { Context, Effect, Layer, Stream } from "effect"
import { NotFound, Permanent } from "../../domain/failure.ts"
import type { ApiResource } from "../../domain/k8s/resources.ts"
import { HeartbeatApi } from "./HeartbeatApi.ts"
import { ApiError, KubeApi, type ObjectName } from "./KubeApi.ts"

const why = "there is no API server: the node stands alone"

const refused = (op: string, target: string): ApiError =>
  new ApiError({ op, target, reason: new Permanent(), status: 0, statusReason: "", detail: why })

const named = ({ name, namespace }: ObjectName): string => namespace === undefined ? name : `${namespace}/${name}`

const absent = KubeApi.of({
  get: (resource: ApiResource, target) =>
    Effect.fail(
      new ApiError({
        op: `get ${resource.plural}`,
        target: named(target),
        reason: new NotFound(),
        status: 404,
        statusReason: "NotFound",
        detail: why
      })
    ),
  list: () => Effect.succeed({ resourceVersion: "0", items: [] }),
  watch: () => Stream.never,
  create: (resource, object) => Effect.fail(refused(`create ${resource.plural}`, object.metadata.name ?? "")),
  update: (resource, object) => Effect.fail(refused(`update ${resource.plural}`, object.metadata.name ?? "")),
  patch: (resource, target) => Effect.fail(refused(`patch ${resource.plural}`, named(target))),
  delete: (resource, target) => Effect.fail(refused(`delete ${resource.plural}`, named(target))),
  request: ({ method, path }) => Effect.fail(refused(method, path))
})

export const layer: Layer.Layer<KubeApi | HeartbeatApi> = Layer.succeedContext(
  Context.make(KubeApi, absent).pipe(Context.add(HeartbeatApi, absent))
)
