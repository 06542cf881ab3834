/**
 * `KubeApi` on an API server in memory, without HTTP in between. Provides the heartbeat profile too: here both take the
 * same way. Objects are shared with the server and with everyone else who reads them.
 */
import { Context, Effect, Layer, Stream } from "effect"
import { NotFound, Permanent, Retryable } from "../../domain/failure.ts"
import { at } from "../../domain/k8s/json.ts"
import type { ApiResource } from "../../domain/k8s/resources.ts"
import { HeartbeatApi } from "./HeartbeatApi.ts"
import {
  AlreadyExists,
  ApiError,
  type ApiFailure,
  Conflict,
  type DeleteOptions,
  Expired,
  KubeApi,
  type KubeObject,
  type ObjectName,
  type Selection
} from "./KubeApi.ts"
import { answer, collect } from "./memory/front.ts"
import type { ApiKind } from "./memory/kinds.ts"
import type { MemoryApi } from "./memory/MemoryApi.ts"
import { methodNotAllowed, noSuchPath, type Refusal } from "./memory/refusal.ts"
import { loopback } from "./memory/state.ts"
import type { WriteOptions } from "./memory/verbCreate.ts"
import type { Query } from "./memory/verbRead.ts"
import type { Target } from "./memory/verbUpdate.ts"

const reasonOf = ({ code, details, reason }: Refusal): ApiFailure => {
  const seconds = at(details, "retryAfterSeconds")
  switch (code) {
    case 404:
      return new NotFound()
    case 409:
      return reason === "AlreadyExists" ? new AlreadyExists() : new Conflict()
    case 410:
      return new Expired()
    case 429:
      return new Retryable(typeof seconds === "number" ? { retryAfterMs: seconds * 1000 } : {})
  }
  // A server in the same process knows that a call it refused had no effect.
  if (code >= 500) return new Retryable(typeof seconds === "number" ? { retryAfterMs: seconds * 1000 } : {})
  return new Permanent()
}

interface Call {
  readonly op: string
  readonly target: string
}

const failed = ({ op, target }: Call) => (refusal: Refusal): ApiError =>
  new ApiError({
    op,
    target,
    reason: reasonOf(refusal),
    status: refusal.code,
    statusReason: refusal.reason,
    detail: refusal.message
  })

const callOf = (verb: string, resource: ApiResource, target: ObjectName, subresource = ""): Call => ({
  op: `${verb} ${resource.plural}${subresource === "" ? "" : `/${subresource}`}`,
  target: target.namespace === undefined ? target.name : `${target.namespace}/${target.name}`
})

const selectionText = ({ namespace, labelSelector, fieldSelector }: Selection): string =>
  [namespace ?? "", labelSelector ?? "", fieldSelector ?? ""].filter((part) => part !== "").join(" ") || "all"

const options: WriteOptions = { user: loopback, fieldValidation: "Ignore" }

const nameOf = ({ metadata }: KubeObject): ObjectName => ({
  ...(metadata.namespace === undefined ? {} : { namespace: metadata.namespace }),
  name: metadata.name ?? ""
})

const queryOf = (kind: ApiKind, { namespace, ...rest }: Selection): Query => ({
  kind,
  ...(namespace === undefined || !kind.namespaced ? {} : { namespace }),
  ...rest
})

/** Runs the verbs below on the kinds and objects that their calls name. */
const finderOf = ({ state }: MemoryApi) => {
  const kind = <A>(resource: ApiResource, verb: (kind: ApiKind) => Effect.Effect<A, Refusal>) =>
    Effect.suspend((): Effect.Effect<A, Refusal> => {
      const found = state.kindOf(resource)
      return found === undefined ? Effect.fail(noSuchPath()) : verb(found)
    })
  return {
    kind,
    target: <A>(
      resource: ApiResource,
      { namespace = "", name, subresource = "" }: ObjectName & { readonly subresource?: string | undefined },
      verb: (target: Target) => Effect.Effect<A, Refusal>
    ) =>
      kind(resource, (kind): Effect.Effect<A, Refusal> => {
        if (kind.namespaced && namespace === "") return Effect.fail(methodNotAllowed())
        if (subresource !== "" && !kind.subresources.includes(subresource)) return Effect.fail(noSuchPath())
        return verb({ kind, namespace: kind.namespaced ? namespace : "", name, subresource })
      })
  }
}

type Reads = Pick<KubeApi["Service"], "get" | "list" | "watch" | "request">

// Without spans: nobody is called here, and a world of nodes makes these calls by the million.
const reads = (handle: MemoryApi): Reads => {
  const { rest } = handle
  const find = finderOf(handle)
  return {
    get: (resource, name) =>
      Effect.mapError(find.target(resource, name, rest.get), failed(callOf("get", resource, name))),
    list: (resource, selection = {}) =>
      find.kind(resource, (kind) => rest.list(queryOf(kind, selection))).pipe(
        Effect.map(({ items, revision }) => ({ resourceVersion: String(revision), items })),
        Effect.mapError(failed({ op: `list ${resource.plural}`, target: selectionText(selection) }))
      ),
    watch: (resource, selection) =>
      Stream.unwrap(
        find.kind(resource, (kind) => Effect.succeed(rest.watch({ ...queryOf(kind, selection), bookmarks: true })))
      ).pipe(
        Stream.mapError(failed({ op: `watch ${resource.plural}`, target: selectionText(selection) }))
      ),
    request: ({ accept = "", body, contentType = "", method, path }) =>
      collect(
        answer(handle, { method, target: path, accept, contentType, body: body ?? new Uint8Array(), user: loopback })
      )
  }
}

type Writes = Pick<KubeApi["Service"], "create" | "update" | "patch" | "delete">

const writes = (handle: MemoryApi): Writes => {
  const { rest } = handle
  const find = finderOf(handle)
  return {
    create: (resource, object, { subresource } = {}) => {
      const name = subresource?.of ?? nameOf(object)
      return find.target(resource, { ...name, subresource: subresource?.name }, (target) =>
        subresource === undefined
          ? rest.create({ kind: target.kind, namespace: target.namespace, object, options })
          : rest.post(target, object, options)).pipe(
          Effect.mapError(failed(callOf("create", resource, name, subresource?.name)))
        )
    },
    update: (resource, object, { subresource } = {}) => {
      const name = nameOf(object)
      return find.target(
        resource,
        { ...name, subresource },
        (target) => rest.update({ target, object, options })
      ).pipe(Effect.mapError(failed(callOf("update", resource, name, subresource))))
    },
    patch: (resource, name, change, { subresource } = {}) => {
      const patch = { type: change.type, body: change.type === "json" ? change.operations : change.body }
      return find.target(
        resource,
        { ...name, subresource },
        (target) => rest.patch({ target, patch, options })
      ).pipe(Effect.mapError(failed(callOf("patch", resource, name, subresource))))
    },
    delete: (resource, name, given: DeleteOptions = {}) =>
      find.target(
        resource,
        name,
        ({ kind, namespace }) => rest.remove({ kind, namespace, name: name.name, options: given })
      ).pipe(
        Effect.mapError(failed(callOf("delete", resource, name)))
      )
  }
}

/** `KubeApi` and `HeartbeatApi` on the server of `handle`. */
export const layer = (handle: MemoryApi): Layer.Layer<KubeApi | HeartbeatApi> => {
  const client = KubeApi.of({ ...reads(handle), ...writes(handle) })
  return Layer.succeedContext(Context.make(KubeApi, client).pipe(Context.add(HeartbeatApi, client)))
}
