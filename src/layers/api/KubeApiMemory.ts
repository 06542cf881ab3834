/**
 * `KubeApi` on an API server in memory, without HTTP in between. Provides the heartbeat profile too: here both take the
 * same way. Objects are shared with the server and with everyone else who reads them.
 */
import { Context, Effect, Layer, Result, Stream } from "effect"
import { NotFound, Permanent, Retryable } from "../../domain/failure.ts"
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
import { at } from "./memory/json.ts"
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

const clientOf = (handle: MemoryApi): KubeApi["Service"] => {
  const { rest, state } = handle
  const kindOf = (resource: ApiResource): Effect.Effect<ApiKind, Refusal> =>
    Effect.suspend(() => Effect.fromResult(Result.fromNullishOr(state.kindOf(resource), noSuchPath)))

  const targetOf = (resource: ApiResource, { namespace = "", name }: ObjectName, subresource = "") =>
    Effect.flatMap(kindOf(resource), (kind): Effect.Effect<Target, Refusal> => {
      if (kind.namespaced && namespace === "") return Effect.fail(methodNotAllowed())
      if (subresource !== "" && !kind.subresources.includes(subresource)) return Effect.fail(noSuchPath())
      return Effect.succeed({ kind, namespace: kind.namespaced ? namespace : "", name, subresource })
    })

  const create = Effect.fnUntraced(function*(
    resource: ApiResource,
    object: KubeObject,
    subresource: { readonly name: string; readonly of: ObjectName } | undefined
  ) {
    if (subresource !== undefined) {
      return yield* rest.post(yield* targetOf(resource, subresource.of, subresource.name), object, options)
    }
    const { kind, namespace } = yield* targetOf(resource, nameOf(object))
    return yield* rest.create({ kind, namespace, object, options })
  })

  return KubeApi.of({
    get: Effect.fn("KubeApi.get")(function*(resource, target) {
      return yield* Effect.flatMap(targetOf(resource, target), rest.get).pipe(
        Effect.mapError(failed(callOf("get", resource, target)))
      )
    }),
    list: Effect.fn("KubeApi.list")(function*(resource, selection = {}) {
      const call = { op: `list ${resource.plural}`, target: selectionText(selection) }
      const page = yield* Effect.flatMap(kindOf(resource), (kind) => rest.list(queryOf(kind, selection))).pipe(
        Effect.mapError(failed(call))
      )
      return { resourceVersion: String(page.revision), items: page.items }
    }),
    watch: (resource, selection) =>
      Stream.unwrap(
        Effect.map(kindOf(resource), (kind) => rest.watch({ ...queryOf(kind, selection), bookmarks: true }))
      ).pipe(
        Stream.mapError(failed({ op: `watch ${resource.plural}`, target: selectionText(selection) }))
      ),
    create: Effect.fn("KubeApi.create")(function*(resource, object, given = {}) {
      const { subresource } = given
      return yield* create(resource, object, subresource).pipe(
        Effect.mapError(failed(callOf("create", resource, subresource?.of ?? nameOf(object), subresource?.name)))
      )
    }),
    update: Effect.fn("KubeApi.update")(function*(resource, object, given = {}) {
      const name = nameOf(object)
      return yield* Effect.flatMap(
        targetOf(resource, name, given.subresource),
        (target) => rest.update({ target, object, options })
      ).pipe(
        Effect.mapError(failed(callOf("update", resource, name, given.subresource)))
      )
    }),
    patch: Effect.fn("KubeApi.patch")(function*(resource, name, change, given = {}) {
      const body = change.type === "json" ? change.operations : change.body
      return yield* Effect.flatMap(
        targetOf(resource, name, given.subresource),
        (target) => rest.patch({ target, patch: { type: change.type, body }, options })
      ).pipe(
        Effect.mapError(failed(callOf("patch", resource, name, given.subresource)))
      )
    }),
    delete: Effect.fn("KubeApi.delete")(function*(resource, name, given: DeleteOptions = {}) {
      return yield* Effect.flatMap(
        targetOf(resource, name),
        (target) => rest.remove({ kind: target.kind, namespace: target.namespace, name: target.name, options: given })
      ).pipe(
        Effect.mapError(failed(callOf("delete", resource, name)))
      )
    }),
    request: Effect.fn("KubeApi.request")(function*({ accept, body, contentType, method, path }) {
      return yield* collect(answer(handle, {
        method,
        target: path,
        accept: accept ?? "",
        contentType: contentType ?? "",
        body: body ?? new Uint8Array(),
        user: loopback
      }))
    })
  })
}

/** `KubeApi` and `HeartbeatApi` on the server of `handle`. */
export const layer = (handle: MemoryApi): Layer.Layer<KubeApi | HeartbeatApi> => {
  const client = clientOf(handle)
  return Layer.succeedContext(Context.make(KubeApi, client).pipe(Context.add(HeartbeatApi, client)))
}
