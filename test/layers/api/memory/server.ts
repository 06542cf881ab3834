/** A server in memory and short ways to write to it, for the tests of this folder. */
import { Effect } from "effect"
import { at } from "../../../../src/domain/k8s/json.ts"
import { type ApiResource, configMaps, nodes, pods } from "../../../../src/domain/k8s/resources.ts"
import type { KubeObject } from "../../../../src/layers/api/KubeApi.ts"
import * as MemoryApi from "../../../../src/layers/api/memory/MemoryApi.ts"
import type { PatchType } from "../../../../src/layers/api/memory/patch.ts"
import { kindOf, loopback } from "../../../../src/layers/api/memory/state.ts"
import type { DeleteSpec } from "../../../../src/layers/api/memory/verbDelete.ts"

export const start = Effect.fnUntraced(function*(options: MemoryApi.Options = {}) {
  const api = yield* MemoryApi.make(options)
  const { rest, state } = api
  const write = { user: loopback }
  const targetOf = (resource: ApiResource, name: string, subresource = "", namespace = "default") => ({
    kind: kindOf(state, resource),
    namespace: resource.namespaced ? namespace : "",
    name,
    subresource
  })
  return {
    api,
    rest,
    state,
    targetOf,
    create: (resource: ApiResource, object: Record<string, unknown>, namespace = "default") =>
      rest.create({
        kind: kindOf(state, resource),
        namespace: resource.namespaced ? namespace : "",
        object,
        options: write
      }),
    get: (resource: ApiResource, name: string, namespace?: string) => rest.get(targetOf(resource, name, "", namespace)),
    update: (resource: ApiResource, object: KubeObject, subresource?: string) =>
      rest.update({ target: targetOf(resource, object.metadata.name ?? "", subresource), object, options: write }),
    patch: (resource: ApiResource, name: string, body: unknown, subresource?: string, type: PatchType = "merge") =>
      rest.patch({ target: targetOf(resource, name, subresource), patch: { type, body }, options: write }),
    remove: (resource: ApiResource, name: string, options: DeleteSpec = {}) => {
      const { kind, namespace } = targetOf(resource, name)
      return rest.remove({ kind, namespace, name, options })
    },
    names: (resource: ApiResource) => api.objects(resource).map(({ metadata }) => metadata.name)
  }
})

export const pod = (name: string, spec: Record<string, unknown> = {}, metadata: Record<string, unknown> = {}) => ({
  metadata: { ...metadata, name },
  spec: { containers: [{ name: "main", image: "busybox:1" }], ...spec }
})

export const node = (name: string, more: Record<string, unknown> = {}, status = "True") => ({
  metadata: { name, labels: { "kubernetes.io/hostname": name } },
  status: { conditions: [{ type: "Ready", status }], allocatable: { pods: "110" } },
  ...more
})

export const configMap = (name: string, metadata: Record<string, unknown> = {}, data: Record<string, string> = {}) => ({
  metadata: { ...metadata, name },
  data
})

export { at, configMaps, nodes, pods }
