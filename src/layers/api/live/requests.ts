/** The HTTP requests of Kubernetes' verbs: paths, queries and bodies. Pure. */
import { HttpClientRequest } from "effect/http"
import { type ApiResource, apiVersionOf, events } from "../../../domain/k8s/resources.ts"
import type { DeleteOptions, KubeObject, ObjectName, Patch, Selection } from "../KubeApi.ts"
import type { Call } from "./failure.ts"

export interface Prepared {
  readonly call: Call
  readonly request: HttpClientRequest.HttpClientRequest
}

const encoder = new TextEncoder()

const pathOf = (resource: ApiResource, namespace: string | undefined, ...rest: ReadonlyArray<string | undefined>) =>
  [
    resource.group === "" ? "/api" : `/apis/${resource.group}`,
    resource.version,
    ...(resource.namespaced && namespace !== undefined ? ["namespaces", namespace] : []),
    resource.plural,
    ...rest.filter((part) => part !== undefined)
  ].map((part, i) => i === 0 ? part : encodeURIComponent(part)).join("/")

const nameOf = ({ namespace, name }: ObjectName): string => namespace === undefined ? name : `${namespace}/${name}`

const opOf = (verb: string, resource: ApiResource, subresource?: string): string =>
  `${verb} ${resource.plural}${subresource === undefined ? "" : `/${subresource}`}`

const json = (value: unknown, contentType = "application/json") => (request: HttpClientRequest.HttpClientRequest) =>
  HttpClientRequest.bodyUint8Array(request, encoder.encode(JSON.stringify(value)), contentType)

const given = (params: Record<string, string | number | boolean | undefined>): Record<string, string> =>
  Object.fromEntries(Object.entries(params).flatMap(([key, value]) => value === undefined ? [] : [[key, `${value}`]]))

const withQuery = (params: Record<string, string | number | boolean | undefined>) =>
  HttpClientRequest.setUrlParams(given(params))

const selectors = ({ fieldSelector, labelSelector }: Selection) => ({ labelSelector, fieldSelector })

const selectionTarget = ({ namespace, labelSelector, fieldSelector }: Selection): string =>
  [namespace ?? "", labelSelector ?? "", fieldSelector ?? ""].filter((part) => part !== "").join(" ") || "all"

export const get = (
  resource: ApiResource,
  target: ObjectName,
  options: { readonly resourceVersion?: string } = {}
): Prepared => ({
  call: { op: opOf("get", resource), target: nameOf(target), read: true },
  request: HttpClientRequest.get(pathOf(resource, target.namespace, target.name)).pipe(
    withQuery({ resourceVersion: options.resourceVersion }),
    HttpClientRequest.acceptJson
  )
})

export interface Page {
  readonly limit: number | undefined
  readonly continue: string | undefined
}

export const list = (resource: ApiResource, selection: Selection, page: Page): Prepared => ({
  call: { op: opOf("list", resource), target: selectionTarget(selection), read: true },
  request: HttpClientRequest.get(pathOf(resource, selection.namespace)).pipe(
    withQuery({
      ...selectors(selection),
      limit: page.limit,
      continue: page.continue,
      // A page's token names the version it belongs to; giving both is refused.
      resourceVersion: page.continue === undefined ? selection.resourceVersion : undefined
    }),
    HttpClientRequest.acceptJson
  )
})

export const watch = (resource: ApiResource, selection: Selection, timeoutSeconds: number): Prepared => ({
  call: { op: opOf("watch", resource), target: selectionTarget(selection), read: true },
  request: HttpClientRequest.get(pathOf(resource, selection.namespace)).pipe(
    withQuery({
      ...selectors(selection),
      watch: true,
      allowWatchBookmarks: true,
      resourceVersion: selection.resourceVersion,
      timeoutSeconds
    }),
    HttpClientRequest.acceptJson
  )
})

/** Events are written at their own rate (`eventRecordQPS`), and must not slow down what they tell of (A5, T1). */
const selfPaced = (resource: ApiResource): boolean => resource === events

export const create = (
  resource: ApiResource,
  object: KubeObject,
  options: { readonly subresource?: { readonly name: string; readonly of: ObjectName } } = {}
): Prepared => {
  const { subresource } = options
  const namespace = subresource?.of.namespace ?? object.metadata.namespace
  const name = subresource?.of.name ?? object.metadata.name ?? object.metadata["generateName"]
  return {
    call: {
      op: opOf("create", resource, subresource?.name),
      target: nameOf({ ...(namespace !== undefined && { namespace }), name: typeof name === "string" ? name : "" }),
      read: false,
      selfPaced: selfPaced(resource)
    },
    request: HttpClientRequest.post(pathOf(resource, namespace, subresource?.of.name, subresource?.name)).pipe(
      json(subresource === undefined ? typed(resource, object) : object),
      HttpClientRequest.acceptJson
    )
  }
}

export const update = (
  resource: ApiResource,
  object: KubeObject,
  options: { readonly subresource?: string } = {}
): Prepared => {
  const { namespace, name = "" } = object.metadata
  return {
    call: {
      op: opOf("update", resource, options.subresource),
      target: nameOf({ ...(namespace !== undefined && { namespace }), name }),
      read: false
    },
    request: HttpClientRequest.put(pathOf(resource, namespace, name, options.subresource)).pipe(
      json(typed(resource, object)),
      HttpClientRequest.acceptJson
    )
  }
}

const patchBody = (patch: Patch) => {
  switch (patch.type) {
    case "json":
      return json(patch.operations, "application/json-patch+json")
    case "merge":
      return json(patch.body, "application/merge-patch+json")
    case "strategic":
      return json(patch.body, "application/strategic-merge-patch+json")
  }
}

export const patch = (
  resource: ApiResource,
  target: ObjectName,
  change: Patch,
  options: { readonly subresource?: string } = {}
): Prepared => ({
  call: {
    op: opOf("patch", resource, options.subresource),
    target: nameOf(target),
    read: false,
    selfPaced: selfPaced(resource)
  },
  request: HttpClientRequest.patch(pathOf(resource, target.namespace, target.name, options.subresource)).pipe(
    patchBody(change),
    HttpClientRequest.acceptJson
  )
})

export const remove = (resource: ApiResource, target: ObjectName, options: DeleteOptions = {}): Prepared => {
  const { gracePeriodSeconds, resourceVersion, uid } = options
  const preconditions = given({ uid, resourceVersion })
  return {
    call: { op: opOf("delete", resource), target: nameOf(target), read: false },
    request: HttpClientRequest.delete(pathOf(resource, target.namespace, target.name)).pipe(
      json({
        kind: "DeleteOptions",
        apiVersion: "v1",
        ...(gracePeriodSeconds !== undefined && { gracePeriodSeconds }),
        ...(Object.keys(preconditions).length > 0 && { preconditions })
      }),
      HttpClientRequest.acceptJson
    )
  }
}

/** Lists hold their items without kind and version, and callers may leave both out of what they send. */
export const typed = (resource: ApiResource, object: KubeObject): KubeObject => ({
  kind: resource.kind,
  apiVersion: apiVersionOf(resource),
  ...object
})
